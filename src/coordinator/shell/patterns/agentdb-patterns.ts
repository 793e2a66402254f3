import { Worker } from 'node:worker_threads';
import type { PatternStore } from '../../../reasoning/patterns/pattern-store.js';
import {
  KeptPatterns,
  type KeptPatternsOptions,
  type PatternIndex,
  type PatternRow,
  type PatternRows,
} from './kept-patterns.js';
import { ThreadCalls } from './thread-calls.js';

export type AgentDbQuestion =
  | { readonly ask: 'open'; readonly file: string }
  | { readonly ask: 'read'; readonly after: string; readonly limit: number }
  | {
      readonly ask: 'set';
      readonly entries: readonly { readonly id: string; readonly vector: Float32Array }[];
    }
  | { readonly ask: 'delete'; readonly ids: readonly string[] }
  | { readonly ask: 'write'; readonly puts: readonly PatternRow[]; readonly drops: readonly string[] }
  | { readonly ask: 'search'; readonly vector: Float32Array; readonly count: number };

/** `rows`: to `read`; `ids`: to `search`. */
export interface AgentDbAnswer {
  readonly ids: readonly string[];
  readonly rows: readonly PatternRow[];
}

/** Each write exports the whole database: rarer than with the built-in rows. */
const WRITE_AFTER_MS = 5_000;
const PAGE = 200;

/** Of the pattern store in AgentDB. */
export type AgentDbPatternsOptions = Omit<KeptPatternsOptions, 'name' | 'rows' | 'index'> & {
  /** The database; made when it is missing. */
  readonly file: string;
};

/**
 * Patterns in a database of the package `agentdb` 1.6.1, found with its HNSWIndex; both in a thread of their own.
 * Rejects when the package cannot be loaded, or the file cannot be read.
 */
export async function openAgentDbPatterns(options: AgentDbPatternsOptions): Promise<PatternStore> {
  // the package prints what it does
  const worker = new Worker(new URL('./agentdb-worker.js', import.meta.url), { stdout: true, stderr: true });
  worker.stdout.resume();
  worker.stderr.resume();
  const calls = new ThreadCalls<AgentDbQuestion, AgentDbAnswer>(worker);
  try {
    await calls.ask({ ask: 'open', file: options.file });
  } catch (error) {
    await calls.close();
    throw error;
  }
  const thread = new AgentDbThread(calls);
  return new KeptPatterns({
    writeAfterMs: WRITE_AFTER_MS,
    ...options,
    name: 'agentdb',
    rows: thread,
    index: thread,
  });
}

class AgentDbThread implements PatternRows, PatternIndex {
  readonly #calls: ThreadCalls<AgentDbQuestion, AgentDbAnswer>;

  constructor(calls: ThreadCalls<AgentDbQuestion, AgentDbAnswer>) {
    this.#calls = calls;
  }

  async *read(): AsyncIterable<readonly Uint8Array[]> {
    for (let after = ''; ;) {
      const { rows } = await this.#calls.ask({ ask: 'read', after, limit: PAGE });
      yield rows.map(({ value }) => value);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.taskId;
    }
  }

  async set(entries: readonly { readonly id: string; readonly vector: Float32Array }[]): Promise<void> {
    if (entries.length > 0) await this.#calls.ask({ ask: 'set', entries });
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#calls.ask({ ask: 'delete', ids });
  }

  async write(puts: readonly PatternRow[], drops: readonly string[]): Promise<void> {
    await this.#calls.ask({ ask: 'write', puts, drops });
  }

  async search(vector: Float32Array, count: number): Promise<readonly string[]> {
    return (await this.#calls.ask({ ask: 'search', vector, count })).ids;
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
