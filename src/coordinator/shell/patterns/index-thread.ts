import { Worker } from 'node:worker_threads';
import type { Log } from '../../../observe/log.js';
import type { PatternIndex } from './kept-patterns.js';
import { ThreadCalls } from './thread-calls.js';

export type IndexQuestion =
  | {
      readonly ask: 'set';
      readonly entries: readonly { readonly id: string; readonly vector: Float32Array }[];
    }
  | { readonly ask: 'delete'; readonly ids: readonly string[] }
  | { readonly ask: 'search'; readonly vector: Float32Array; readonly count: number };

export interface IndexAnswer {
  readonly ids: readonly string[];
  /** Why there is no `usearch`, or null. */
  readonly problem: string | null;
}

/** An index in a thread of its own, which begins with the first vector. */
export class IndexThread implements PatternIndex {
  readonly #log: Log;
  #calls: ThreadCalls<IndexQuestion, IndexAnswer> | null = null;
  #closed = false;
  #said = false;

  constructor(log: Log) {
    this.#log = log;
  }

  async set(entries: readonly { readonly id: string; readonly vector: Float32Array }[]): Promise<void> {
    if (entries.length > 0) await this.#ask({ ask: 'set', entries });
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#ask({ ask: 'delete', ids });
  }

  search(vector: Float32Array, count: number): Promise<readonly string[]> {
    return this.#ask({ ask: 'search', vector, count });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#calls?.close();
  }

  async #ask(question: IndexQuestion): Promise<readonly string[]> {
    if (this.#closed) throw new Error('the index is closed');
    this.#calls ??= new ThreadCalls(
      // without what is loaded into the process by its flags
      new Worker(new URL('./index-worker.js', import.meta.url), { execArgv: [] }),
    );
    const { ids, problem } = await this.#calls.ask(question);
    if (problem !== null && !this.#said) {
      this.#said = true;
      this.#log.warn(
        { reason: problem },
        'usearch cannot be loaded: patterns are found by comparing with each',
      );
    }
    return ids;
  }
}
