import { StoreError, type StoreOp } from '../store.js';
import { applyBatch, type Tables } from './batch.js';
import { numberOf, openDatabase, type Connection, type Row } from './database.js';
import { dataFiles } from './files.js';
import { KeyTable } from './key-table.js';
import type { Answer, Question, WorkerSettings } from './messages.js';
import { NonceTable } from './nonce-table.js';
import { packOutcomes, readOps } from './op-codec.js';
import { Pruner } from './pruner.js';
import { RecordTables } from './record-tables.js';
import { Reserve } from './reserve.js';
import { isFull, isIoFault, toStoreError } from './sqlite-fault.js';
import { TaskInserts } from './task-inserts.js';
import { TaskReader } from './task-reader.js';
import { TaskTable } from './task-table.js';
import { Totals } from './totals.js';
import { packValues, ValueReader, type Value } from './values.js';
import { WriteAheadLog } from './write-ahead-log.js';

export type Write = Extract<Question, { type: 'commit' | 'consumeNonces' }>;
export type Read = Exclude<Question, Write | Steps | { type: 'close' }>;
/** Long work, done in steps between which commits get their turn. */
export type Steps = Extract<Question, { type: 'list' | 'prune' }>;

/** A write that was decoded, so that it can be tried more than once. */
interface Batch {
  readonly submits: boolean;
  run(): Answer;
}

const PAGE_BYTES = 4096;
/** With less than this the disk counts as full. */
const LITTLE_BYTES = 1024 * 1024;
/** Expired keys and nonces looked at in one step of a prune. */
const PRUNE_STEP = 500;

/** The store on one SQLite connection: synchronous, for a thread of its own. */
export class Engine {
  readonly #path: string;
  readonly #connection: Connection;
  readonly #totals: Totals;
  readonly #keys: KeyTable;
  readonly #tables: Tables;
  readonly #reader: TaskReader;
  readonly #nonces: NonceTable;
  readonly #pruner: Pruner;
  readonly #log: WriteAheadLog;
  readonly #reserve: Reserve;

  /** Throws StoreOpenError. */
  constructor({ directory, durability, tuning }: WorkerSettings) {
    const files = dataFiles(directory);
    const connection = openDatabase(files, { durability, maxPages: tuning.maxPages });
    this.#path = files.database;
    this.#connection = connection;
    this.#totals = new Totals(connection);
    this.#keys = new KeyTable(connection);
    this.#tables = {
      tasks: new TaskTable(connection, this.#totals, this.#keys),
      inserts: new TaskInserts(connection, this.#totals),
      records: new RecordTables(connection, tuning.experiences),
    };
    this.#reader = new TaskReader(connection, tuning.listStepRows);
    this.#nonces = new NonceTable(connection, tuning.nonces);
    this.#pruner = new Pruner(connection, this.#totals);
    this.#reserve = new Reserve(files.reserve, tuning.reserveBytes);
    this.#log = new WriteAheadLog(connection, files.database, {
      idlePages: tuning.checkpointIdlePages,
      maxPages: tuning.checkpointMaxPages,
    });
    this.#log.prepare(this.#reserve.freeBytes());
  }

  /**
   * Carries out writes in their order and makes them durable together. Each is all or nothing: when they cannot be
   * written together, each is tried by itself. One answer, or error, for each.
   */
  write(writes: readonly Write[]): (Answer | StoreError)[] {
    const batches = writes.map((write) => this.#decode(write));
    if (batches.length > 1 && this.#reserve.spent === 0) {
      try {
        return this.#transaction(() => batches.map((batch) => batch.run()));
      } catch (error) {
        this.#assertUsable(error);
      }
    }
    return batches.map((batch) => {
      try {
        return this.#writeAlone(batch);
      } catch (error) {
        this.#assertUsable(error);
        return toStoreError(error, this.#path);
      }
    });
  }

  read(question: Read): Answer {
    switch (question.type) {
      case 'loadRecords': {
        const sessions = this.#tables.records.sessions();
        const ticketKeys = this.#tables.records.ticketKeys();
        return packRows([[sessions.length], ...sessions, [ticketKeys.length], ...ticketKeys]);
      }
      case 'loadTasks':
        return this.#reader.unfinished(question.afterSeq);
      case 'readInputs':
        return packRows([question.taskIds.map((taskId) => this.#reader.input(taskId))]);
      case 'readStates':
        return JSON.stringify(question.taskIds.map((taskId) => this.#reader.state(taskId)));
      case 'readResults':
        return packRows([question.taskIds.map((taskId) => this.#reader.result(taskId))]);
      case 'keyHolder':
        return this.#keys.holder(question.key, question.at);
      case 'get':
        return packRows(
          question.taskIds.map((taskId) => {
            const row = this.#reader.get(taskId);
            return row === null ? [0] : [1, ...row];
          }),
        );
      case 'count':
        return JSON.stringify(Object.entries(this.#totals.counts()).flat());
      case 'readExperiences':
        return packRows(this.#tables.records.experiences(question.filter));
      case 'readEntries':
        return packRows(this.#tables.records.entries(question.filter));
    }
  }

  *steps(question: Steps): Generator<undefined, Answer> {
    if (question.type === 'list') return yield* this.#reader.list(question.filter);
    const { rule, now } = question;
    let pruned = 0;
    while (this.#pruner.isDue(rule, now)) {
      pruned += this.#transaction(() => this.#pruner.step(rule, now));
      yield;
    }
    while (this.#keys.isDue(now)) {
      this.#transaction(() => this.#keys.forgetExpired(now, PRUNE_STEP));
      yield;
    }
    while (this.#nonces.isDue(now)) {
      this.#transaction(() => this.#nonces.forgetExpired(now, PRUNE_STEP));
      yield;
    }
    return pruned;
  }

  /** What keeps the files in shape; to be called between writes. `idle`: nothing waits. Throws what SQLite throws. */
  tidy(idle: boolean): void {
    this.#log.checkpointIfDue(idle);
  }

  /** Leaves one file behind that holds everything. The connection itself ends with the thread. */
  close(): void {
    this.#log.checkpoint('TRUNCATE');
  }

  #decode(write: Write): Batch {
    try {
      return write.type === 'commit' ? this.#commit(readOps(write.ops)) : this.#consume(write);
    } catch (error) {
      const fail = () => {
        throw error;
      };
      return { submits: false, run: fail };
    }
  }

  #commit(operations: readonly StoreOp[]): Batch {
    return {
      submits: operations.some(({ op }) => op === 'submit'),
      run: () => packOutcomes(applyBatch(operations, this.#tables)),
    };
  }

  #consume({ nonces: packed, now }: Extract<Write, { type: 'consumeNonces' }>): Batch {
    const nonces: { value: string; expiresAt: number }[] = [];
    const reader = ValueReader.ofBuffer(packed);
    while (!reader.done) nonces.push({ value: reader.text(), expiresAt: reader.number() });
    return {
      submits: false,
      run: () => JSON.stringify(nonces.map((nonce) => (this.#nonces.consume(nonce, now) ? 1 : 0))),
    };
  }

  /**
   * When the disk is full, first the log is copied so that it can start over, then the reserve is given up. As long as
   * that is spent it is kept for what running tasks still have to say: new tasks are refused.
   */
  #writeAlone(batch: Batch): Answer {
    if (batch.submits && this.#reserve.spent > 0) {
      this.#reserve.restore();
      if (this.#reserve.spent > 0 && !this.#hasRoomInside()) {
        throw new StoreError('FULL', `no room on the disk of ${this.#path} for new tasks`);
      }
    }
    try {
      return this.#transaction(() => batch.run());
    } catch (error) {
      this.#assertUsable(error);
      if (!this.#isOutOfRoom(error)) throw error;
      const released = this.#reserve.release();
      this.#restartLog();
      if (!released || batch.submits) throw new StoreError('FULL', `no room on the disk of ${this.#path}`);
      return this.#transaction(() => batch.run());
    }
  }

  /** In some places SQLite takes a full disk for a broken one. */
  #isOutOfRoom(error: unknown): boolean {
    return isFull(error) || (isIoFault(error) && this.#reserve.freeBytes() < LITTLE_BYTES);
  }

  /** Pages that pruning has left free, enough to do without the reserve. */
  #hasRoomInside(): boolean {
    return numberOf(this.#connection, 'PRAGMA freelist_count') * PAGE_BYTES >= 2 * this.#reserve.spent;
  }

  #restartLog(): void {
    try {
      this.#log.checkpoint('PASSIVE');
    } catch {
      // Then it goes on where it is, as far as there is room.
    }
  }

  #transaction<T>(body: () => T): T {
    this.#connection.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#totals.save();
      this.#connection.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, not after all.
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
      this.#tables.inserts.clear();
      this.#totals.reload();
      this.#nonces.reload();
      this.#tables.records.reload();
      throw error;
    }
  }

  #assertUsable(error: unknown): void {
    if (this.#connection.inTransaction) throw error;
  }
}

/** Rows of SQLite as one buffer, one row after the other. */
function packRows(rows: readonly Row[]): ArrayBuffer {
  const values: Value[] = [];
  for (const row of rows) for (const value of row) values.push(toValue(value));
  return packValues(values);
}

function toValue(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array) return value;
  return null;
}
