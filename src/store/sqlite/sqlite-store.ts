import type { TaskState } from '../../protocol/messages.js';
import { TASK_STATES } from '../../protocol/messages.js';
import type { EntryRecord, ExperienceRecord, ListedTask, RecoveredTask, StoredTask } from '../records.js';
import {
  StoreError,
  type EntryFilter,
  type ExperienceFilter,
  type Nonce,
  type Recovery,
  type RetentionRule,
  type Store,
  type StoreOp,
  type StoreOutcome,
  type TaskFilter,
} from '../store.js';
import { DirectoryLock } from './lock.js';
import { DEFAULT_TUNING, type Answer, type Question, type SqliteTuning } from './messages.js';
import { packOps, readOutcomes } from './op-codec.js';
import { readEntry, readExperience, readSession, readTicketKey } from './record-columns.js';
import { StoreThread } from './store-thread.js';
import { readListed, readRecovered, readStored } from './task-columns.js';
import { packValues, refuse, ValueReader, type Value } from './values.js';

/** Of a store in SQLite. */
export interface SqliteStoreOptions {
  /** Made when it is missing. One store at a time has it. */
  readonly directory: string;
  /** `full`: a commit is on the disk before it resolves. `normal`: it survives the end of the process, not that of the machine. */
  readonly durability: 'full' | 'normal';
  /** Hears of what no caller can be told. */
  readonly log?: {
    /** One line of a log, with its fields. */
    warn(fields: object, message: string): void;
  };
  readonly tuning?: Partial<SqliteTuning>;
}

/** Opens the store of a data directory. Rejects with a StoreOpenError, and has then changed nothing. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const lock = await DirectoryLock.take(options.directory);
  const store = new SqliteStore(options, lock);
  try {
    await store.opened();
    return store;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * The Store on SQLite. Everything happens in a thread of its own, so that no call holds up the event loop; what crosses
 * is one buffer or text for each call. A thread that dies takes with it what waited for it, and the next call starts
 * another.
 */
export class SqliteStore implements Store {
  readonly #start: () => StoreThread;
  readonly #lock: DirectoryLock;
  #thread: StoreThread | null;
  #closed: Promise<void> | null = null;

  /** Use `openSqliteStore`. */
  constructor({ directory, durability, log, tuning }: SqliteStoreOptions, lock: DirectoryLock) {
    const settings = { directory, durability, tuning: { ...DEFAULT_TUNING, ...tuning } };
    this.#lock = lock;
    this.#start = () => new StoreThread(settings, (message) => log?.warn({ directory }, message));
    this.#thread = this.#begin();
  }

  opened(): Promise<void> {
    return this.#thread?.opened ?? Promise.resolve();
  }

  async commit(operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]> {
    const ops = packOps(operations);
    const outcomes = await this.#ask({ type: 'commit', ops }, [ops]);
    return readOutcomes(typeof outcomes === 'string' ? outcomes : null, operations.length);
  }

  async load(): Promise<Recovery> {
    const records = bufferReader(await this.#ask({ type: 'loadRecords' }));
    return {
      sessions: readMany(records, readSession),
      ticketKeys: readMany(records, readTicketKey),
      tasks: this.#unfinished(),
    };
  }

  async *#unfinished(): AsyncGenerator<readonly RecoveredTask[]> {
    const chunkAfter = (afterSeq: number) => {
      const chunk = this.#ask({ type: 'loadTasks', afterSeq });
      // One chunk is read ahead; nobody may come for it.
      chunk.catch(() => undefined);
      return chunk;
    };
    let next = chunkAfter(0);
    for (;;) {
      const rows = textReader(await next);
      const tasks: RecoveredTask[] = [];
      let last = 0;
      while (!rows.done) {
        const { seq, task } = readRecovered(rows.row());
        tasks.push(task);
        last = seq;
      }
      if (tasks.length === 0) return;
      next = chunkAfter(last);
      yield tasks;
    }
  }

  async readInputs(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const inputs = bufferReader(await this.#ask({ type: 'readInputs', taskIds }));
    return taskIds.map(() => inputs.ownBytesOrNull());
  }

  async readStates(taskIds: readonly string[]): Promise<readonly (TaskState | null)[]> {
    const states = textReader(await this.#ask({ type: 'readStates', taskIds }));
    return taskIds.map(() => {
      const name = states.textOrNull();
      return name === null ? null : readState(name);
    });
  }

  async readResults(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const results = bufferReader(await this.#ask({ type: 'readResults', taskIds }));
    return taskIds.map(() => results.ownBytesOrNull());
  }

  async keyHolder(idempotencyKey: string, at: number): Promise<string | null> {
    const holder = await this.#ask({ type: 'keyHolder', key: idempotencyKey, at });
    return typeof holder === 'string' ? holder : null;
  }

  async get(taskIds: readonly string[]): Promise<readonly (StoredTask | null)[]> {
    const tasks = bufferReader(await this.#ask({ type: 'get', taskIds }));
    return taskIds.map(() => (tasks.number() === 0 ? null : readStored(tasks)));
  }

  async list(filter: TaskFilter): Promise<readonly ListedTask[]> {
    const rows = textReader(await this.#ask({ type: 'list', filter }));
    const tasks: ListedTask[] = [];
    while (!rows.done) tasks.push(readListed(rows.row()));
    return tasks;
  }

  async count(): Promise<Readonly<Partial<Record<TaskState, number>>>> {
    const counts = textReader(await this.#ask({ type: 'count' }));
    const byState: Partial<Record<TaskState, number>> = {};
    while (!counts.done) byState[readState(counts.text())] = counts.number();
    return byState;
  }

  async prune(rule: RetentionRule, now: number): Promise<number> {
    return Number(await this.#ask({ type: 'prune', rule, now }));
  }

  async consumeNonces(nonces: readonly Nonce[], now: number): Promise<readonly boolean[]> {
    const values: Value[] = [];
    for (const { value, expiresAt } of nonces) values.push(value, expiresAt);
    const packed = packValues(values);
    const fresh = textReader(await this.#ask({ type: 'consumeNonces', nonces: packed, now }, [packed]));
    return nonces.map(() => fresh.number() === 1);
  }

  async readExperiences(filter: ExperienceFilter): Promise<readonly ExperienceRecord[]> {
    const rows = bufferReader(await this.#ask({ type: 'readExperiences', filter }));
    const experiences: ExperienceRecord[] = [];
    while (!rows.done) experiences.push(readExperience(rows));
    return experiences;
  }

  async readEntries(filter: EntryFilter): Promise<readonly EntryRecord[]> {
    const rows = bufferReader(await this.#ask({ type: 'readEntries', filter }));
    const entries: EntryRecord[] = [];
    while (!rows.done) entries.push(readEntry(rows));
    return entries;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#end(this.#thread));
  }

  /** Ends the thread as a crash would. For tests. */
  killThread(): Promise<void> {
    this.#thread?.kill();
    return this.#thread?.ended ?? Promise.resolve();
  }

  async #end(thread: StoreThread | null): Promise<void> {
    if (thread !== null) {
      // A thread that fails now has nothing more to lose: what it has acknowledged is on the disk.
      await thread.ask({ type: 'close' }).catch(() => undefined);
      await thread.ended;
    }
    this.#lock.release();
  }

  #begin(): StoreThread {
    const thread = this.#start();
    void thread.ended.then(() => {
      if (this.#thread === thread) this.#thread = null;
    });
    return thread;
  }

  #ask(question: Question, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (this.#closed !== null) return Promise.reject(new StoreError('CLOSED', 'the store is closed'));
    this.#thread ??= this.#begin();
    return this.#thread.ask(question, transfer);
  }
}

function bufferReader(answer: Answer): ValueReader {
  return answer instanceof ArrayBuffer ? ValueReader.ofBuffer(answer) : refuse('a buffer', answer);
}

function textReader(answer: Answer): ValueReader {
  return typeof answer === 'string' ? ValueReader.ofText(answer) : refuse('a text', answer);
}

function readState(name: string): TaskState {
  return TASK_STATES.find((known) => known === name) ?? refuse('a state', name);
}

function readMany<T>(from: ValueReader, read: (from: ValueReader) => T): T[] {
  const count = from.number();
  return Array.from({ length: count }, () => read(from));
}
