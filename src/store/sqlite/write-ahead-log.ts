import { openSync, readSync } from 'node:fs';
import { query, oneRow, type Connection } from './database.js';
import { growFile } from './files.js';

/** https://www.sqlite.org/walformat.html#the_wal_index_header */
const HEADER_BYTES = 20;
const VERSION = 3_007_000;
const FRAMES_OFFSET = 16;
/** A page and what goes before it: https://www.sqlite.org/walformat.html */
const FRAME_BYTES = 4096 + 24;
/** Part of the free room that it takes in advance at most. */
const SHARE = 1 / 8;

export interface CheckpointRule {
  /** Pages in the log from which on it is copied into the database when nothing else is to be done. */
  readonly idlePages: number;
  /** And from which on in any case. */
  readonly maxPages: number;
}

/**
 * Keeps the write-ahead log short by copying it into the database between commits: SQLite's own checkpoint would be part
 * of the commit that crosses the line. The file keeps its size, since writing over a file is faster than extending it.
 */
export class WriteAheadLog {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #indexPath: string;
  readonly #rule: CheckpointRule;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Stays open as long as the thread: closing it would drop the locks that SQLite has on the same file. */
  #index: number | null = null;
  /** Pages in the log at the last checkpoint, as long as it has not started over. */
  #copied = 0;

  constructor(connection: Connection, databasePath: string, rule: CheckpointRule) {
    this.#connection = connection;
    this.#path = `${databasePath}-wal`;
    this.#indexPath = `${databasePath}-shm`;
    this.#rule = rule;
  }

  /**
   * Gives the file in advance the size it has when it starts over on an idle day. To extend it costs the first few hundred
   * commits a fifth more, and one in a hundred twice the time. SQLite takes what it did not write for the end of the log.
   */
  prepare(freeBytes: number): void {
    const bytes = this.#rule.idlePages * FRAME_BYTES;
    if (bytes > freeBytes * SHARE) return;
    try {
      growFile(this.#path, bytes);
    } catch {
      // Then it grows with the commits.
    }
  }

  /** Checkpoints when it is time to. Throws what SQLite throws; the commits are safe in any case. */
  checkpointIfDue(idle: boolean): void {
    const pages = this.#pages();
    if (pages < this.#copied) this.#copied = 0;
    if (pages - this.#copied < (idle ? this.#rule.idlePages : this.#rule.maxPages)) return;
    this.#copied = pages;
    this.checkpoint('PASSIVE');
  }

  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    oneRow(query(this.#connection, `PRAGMA wal_checkpoint(${mode})`), []);
  }

  /** Pages in the log, read from its shared index; 0 when there is none yet. */
  #pages(): number {
    try {
      this.#index ??= openSync(this.#indexPath, 'r');
    } catch {
      return 0;
    }
    const length = readSync(this.#index, this.#header, 0, HEADER_BYTES, 0);
    if (length < HEADER_BYTES || this.#header.readUInt32LE(0) !== VERSION) return this.#rule.maxPages;
    return this.#header.readUInt32LE(FRAMES_OFFSET);
  }
}
