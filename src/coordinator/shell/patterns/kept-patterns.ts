import { type Clock, systemClock } from '../../../observe/clock.js';
import { type Log, silentLog } from '../../../observe/log.js';
import { PatternBook } from '../../../reasoning/patterns/pattern-book.js';
import type { PatternCounts, PatternStore, NearPattern } from '../../../reasoning/patterns/pattern-store.js';
import {
  checkVector,
  type Pattern,
  type PatternOutcome,
  similarityOf,
} from '../../../reasoning/patterns/pattern.js';
import { decodePattern, encodePattern } from './pattern-record.js';

/** Where patterns are durable: rows by task id. */
export interface PatternRows {
  /** All of them, some at a time, in the order of their ids. */
  read(): AsyncIterable<readonly Uint8Array[]>;
  /** Durable when it resolves; all of it or nothing. */
  write(puts: readonly PatternRow[], drops: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** A pattern as it is written. */
export interface PatternRow {
  readonly taskId: string;
  readonly vector: Float32Array;
  readonly value: Uint8Array;
}

/** Finds candidates. Changes take effect in the order in which they are asked for, before the searches that follow. */
export interface PatternIndex {
  set(entries: readonly { readonly id: string; readonly vector: Float32Array }[]): Promise<void>;
  delete(ids: readonly string[]): Promise<void>;
  /** Ids of at most `count`; may miss some that are nearer. */
  search(vector: Float32Array, count: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Of a pattern store over rows and an index. */
export interface KeptPatternsOptions {
  readonly name: PatternStore['name'];
  readonly rows: PatternRows;
  readonly index: PatternIndex;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Patterns kept. Default 20,000: some 40 MB. */
  readonly max?: number;
  /** Changes are written this long after the first of them. */
  readonly writeAfterMs?: number;
  /** New patterns taken between two writes. Default 100. */
  readonly burst?: number;
}

const MAX_PATTERNS = 20_000;
const WRITE_AFTER_MS = 1_000;
const BURST = 100;
const WRITTEN_AT_ONCE = 200;
/** Candidates looked at for each pattern that is wanted, and at least. */
const CANDIDATES = 4;
const LEAST_CANDIDATES = 64;

/** A pattern store over durable rows and an index: patterns in memory, changes written in batches. */
export class KeptPatterns implements PatternStore {
  readonly name: PatternStore['name'];
  readonly #options: KeptPatternsOptions;
  readonly #log: Log;
  readonly #book: PatternBook;
  /** Changed since they were written. */
  #changed = new Set<string>();
  #dropped = new Set<string>();
  #taken = 0;
  #loaded: Promise<void> = Promise.resolve();
  #loading = false;
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | null = null;
  #failing = false;
  #indexFailing = false;
  #closed = false;

  constructor(options: KeptPatternsOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#book = new PatternBook(options.max ?? MAX_PATTERNS);
  }

  start(): Promise<void> {
    this.#loading = true;
    this.#loaded = this.#load().finally(() => (this.#loading = false));
    return this.#loaded;
  }

  put(pattern: Pattern): void {
    checkVector(pattern.vector);
    if (this.#closed || this.#taken >= (this.#options.burst ?? BURST)) return;
    this.#taken++;
    const { taskId, vector } = pattern;
    this.#drop(this.#book.put(pattern));
    this.#indexed(this.#options.index.set([{ id: taskId, vector }]));
    this.#dropped.delete(taskId);
    this.#change(taskId);
  }

  report(taskId: string, outcome: PatternOutcome): void {
    // it may be among those that are still read
    if (this.#loading) this.#loaded.then(() => this.report(taskId, outcome)).catch(() => undefined);
    else if (!this.#closed && this.#book.report(taskId, outcome) !== null) this.#change(taskId);
  }

  async get(taskId: string): Promise<Pattern | null> {
    await this.#loaded;
    return this.#book.get(taskId);
  }

  async search(vector: Float32Array, count: number): Promise<readonly NearPattern[]> {
    checkVector(vector);
    await this.#loaded;
    if (count <= 0 || this.#book.size === 0) return [];
    const ids = await this.#options.index.search(vector, Math.max(CANDIDATES * count, LEAST_CANDIDATES));
    return ids
      .flatMap((id) => this.#book.get(id) ?? [])
      .map((pattern) => ({ pattern, similarity: similarityOf(vector, pattern.vector) }))
      .sort((a, b) => b.similarity - a.similarity || (a.pattern.taskId < b.pattern.taskId ? -1 : 1))
      .slice(0, count);
  }

  async counts(): Promise<PatternCounts> {
    await this.#loaded;
    return { patterns: this.#book.size, withOutcome: this.#book.withOutcome };
  }

  async flush(): Promise<void> {
    await this.#loaded;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { rows, index } = this.#options;
    // what could not be read was said when it was tried
    await this.#loaded.catch(() => undefined);
    await this.flush().catch(() => undefined);
    await index.close();
    await rows.close();
  }

  async #load(): Promise<void> {
    const { rows, index } = this.#options;
    let damaged = 0;
    for await (const page of rows.read()) {
      const patterns = page.map(decodePattern);
      const good = patterns.filter((pattern) => pattern !== null);
      damaged += patterns.length - good.length;
      // one that came meanwhile is newer
      const older = good.filter(({ taskId }) => this.#book.get(taskId) === null);
      for (const pattern of older) this.#drop(this.#book.put(pattern));
      const kept = older.filter(({ taskId }) => this.#book.get(taskId) !== null);
      await index.set(kept.map(({ taskId: id, vector }) => ({ id, vector })));
    }
    if (damaged > 0) this.#log.warn({ damaged }, 'some patterns are damaged and were left out');
  }

  #drop(taskId: string | null): void {
    if (taskId === null) return;
    this.#indexed(this.#options.index.delete([taskId]));
    this.#changed.delete(taskId);
    this.#dropped.add(taskId);
  }

  #change(taskId: string): void {
    this.#changed.add(taskId);
    if (this.#cancelTimer !== null || this.#closed) return;
    const { clock = systemClock, writeAfterMs = WRITE_AFTER_MS } = this.#options;
    this.#cancelTimer = clock.setTimer(clock.now() + writeAfterMs, () => {
      this.#cancelTimer = null;
      this.flush().catch(() => undefined);
    });
  }

  async #write(): Promise<void> {
    const { rows } = this.#options;
    this.#taken = 0;
    const changed = this.#changed;
    const dropped = this.#dropped;
    if (changed.size + dropped.size === 0) return;
    this.#changed = new Set();
    this.#dropped = new Set();
    const all = [...changed];
    const drops = [...dropped];
    try {
      // in steps: each is encoded and packed on this thread
      for (let start = 0; start < Math.max(all.length, drops.length); start += WRITTEN_AT_ONCE) {
        const end = start + WRITTEN_AT_ONCE;
        await rows.write(this.#rowsOf(all.slice(start, end)), drops.slice(start, end));
      }
      this.#failing = false;
    } catch (err) {
      // they go with the next ones
      for (const taskId of changed) if (this.#book.get(taskId) !== null) this.#changed.add(taskId);
      for (const taskId of dropped) if (this.#book.get(taskId) === null) this.#dropped.add(taskId);
      if (!this.#failing) this.#log.warn({ err }, 'patterns cannot be written; it is tried again');
      this.#failing = true;
    }
  }

  #rowsOf(taskIds: readonly string[]): PatternRow[] {
    return taskIds.flatMap((taskId) => {
      const pattern = this.#book.get(taskId);
      return pattern === null ? [] : [{ taskId, vector: pattern.vector, value: encodePattern(pattern) }];
    });
  }

  #indexed(done: Promise<void>): void {
    done.catch((err: unknown) => {
      if (!this.#indexFailing) this.#log.error({ err }, 'the index of patterns has failed');
      this.#indexFailing = true;
    });
  }
}
