import { TransientMap } from '../../collections/transient-map.js';
import { open } from 'node:fs/promises';
import type { Log } from '../../observe/log.js';
import type { Answer, Outbox } from '../outbox.js';
import { codeOf } from './errors.js';
import { JournalFile } from './journal-file.js';
import { readJournal, RecordBuffer, type JournalContents } from './journal-records.js';
import { removeFile } from './remove-file.js';
import { setAside } from './set-aside.js';
import { Trouble } from './trouble.js';
import { WriteDelay } from './write-delay.js';

/** Garbage may take as much as what is still needed, and this. */
const MIN_COMPACT_BYTES = 4 * 1024 * 1024;
/** While it is compacted, written in parts of about this size. */
const PART_BYTES = 1024 * 1024;
/** In the place of the number of a record: the answer was acknowledged or replaced, and is not to be written (again). */
const NOT_NEEDED = -1;
/** What was dropped is noted with the next answers, or after this long; an outbox that is empty for so long gets an empty file. */
const TIDY_MS = 100;
/** A longer journal is not of our making: it would have been compacted. */
const MAX_JOURNAL_BYTES = 2 ** 30;

interface Entry {
  readonly answer: Answer;
  /** Of its record in the file; 0 before it has one. */
  number: number;
  recordBytes: number;
}

type Phase =
  | 'resting'
  /** In a moment what has waited for long enough is written. */
  | 'scheduled'
  /** One call of the file is under way; what comes meanwhile is written after it. */
  | 'writing'
  /** The file cannot be written: everything is in memory only, until it can be written anew. */
  | 'failing'
  | 'closed';

/**
 * An outbox that outlives the process: a journal of answers and of those that are done with.
 *
 * `put` returns before the answer is in the file: it is sent at once, and written with others some milliseconds later, at
 * most a tenth of a second, unless the coordinator has it by then. So a process that is killed finds after its restart every answer whose write had
 * returned; a task that ended in the last moment is done again. Nothing is synced to the disk: a machine that loses power
 * may lose the last seconds. A drop that was not written yet costs one answer sent twice, which the coordinator refuses
 * by its epoch.
 */
export class DurableOutbox implements Outbox {
  readonly #entries = new TransientMap<string, Entry>();
  readonly #file: JournalFile;
  readonly #trouble: Trouble;
  /** What the call of the file that is under way writes. */
  readonly #writing = new RecordBuffer();
  /** Not written, and perhaps not needed any more: put before the last tick of the timer, and since. */
  #waiting: Entry[] = [];
  #fresh: Entry[] = [];
  /** Most answers are acknowledged before they are written, which saves the disk the trouble. */
  readonly #delay = new WriteDelay<Entry>();
  /** Numbers of records in the file, or on their way, whose answers are done with. */
  #drops: number[] = [];
  #phase: Phase = 'resting';
  #lastNumber = 0;
  #bytes = 0;
  #liveRecordBytes = 0;
  #writeTimer: NodeJS.Timeout | undefined;
  #tidyTimer: NodeJS.Timeout | undefined;
  #whenAtRest: (() => void)[] = [];

  private constructor(path: string, length: number, log: Log) {
    this.#file = new JournalFile(path, length);
    this.#trouble = new Trouble(log, { path });
  }

  /**
   * Reads what an earlier process left: a torn end is cut off, damaged records are left out with a warning, and a file
   * that is no journal at all is set aside.
   */
  static async open(path: string, log: Log): Promise<DurableOutbox> {
    // A compaction that did not come to its end: the file it was to replace is still there.
    await removeFile(`${path}.new`);
    const bytes = await readWhole(path);
    if (bytes === null) return new DurableOutbox(path, 0, log);
    const contents = readJournal(bytes);
    if (bytes.length > 0 && contents.records === 0) {
      await setAside(path, 'it holds no results of an agent', log);
      return new DurableOutbox(path, 0, log);
    }
    report(path, contents, log);
    const outbox = new DurableOutbox(path, bytes.length, log);
    await outbox.#restore(contents);
    return outbox;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(answer: Answer): void {
    this.drop(answer.lease.taskId);
    const entry: Entry = { answer, number: 0, recordBytes: 0 };
    this.#entries.set(answer.lease.taskId, entry);
    this.#bytes += answer.payload?.byteLength ?? 0;
    if (this.#phase === 'failing' || this.#phase === 'closed') return;
    this.#fresh.push(entry);
    this.#delay.came(entry);
    if (this.#phase === 'resting') this.#schedule();
  }

  get(taskId: string): Answer | null {
    return this.#entries.get(taskId)?.answer ?? null;
  }

  drop(taskId: string): void {
    const entry = this.#entries.get(taskId);
    if (entry === undefined) return;
    this.#entries.delete(taskId);
    this.#bytes -= entry.answer.payload?.byteLength ?? 0;
    this.#liveRecordBytes -= entry.recordBytes;
    this.#delay.went(entry);
    if (this.#phase === 'failing' || this.#phase === 'closed') return;
    const { number } = entry;
    entry.number = NOT_NEEDED;
    if (number === 0) return;
    this.#drops.push(number);
    this.#tidySoon();
  }

  *all(): Iterable<Answer> {
    for (const { answer } of this.#entries.values()) yield answer;
  }

  /** Writes what waits at once. Resolves when nothing does, and when the file cannot be written. */
  written(): Promise<void> {
    if (this.#phase === 'scheduled') this.#writeAll();
    if (this.#phase !== 'writing') return Promise.resolve();
    return new Promise((resolve) => this.#whenAtRest.push(resolve));
  }

  /** Writes what is not yet written; an outbox that is empty leaves an empty file. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    await this.written();
    if (this.#phase === 'resting') {
      this.#tidy();
      await this.written();
    }
    this.#phase = 'closed';
    this.#trouble.stop();
    clearTimeout(this.#tidyTimer);
    await new Promise<void>((resolve) => this.#file.release(resolve));
  }

  async #restore(contents: JournalContents): Promise<void> {
    for (const answer of contents.answers) {
      this.#entries.set(answer.lease.taskId, { answer, number: 0, recordBytes: 0 });
      this.#bytes += answer.payload?.byteLength ?? 0;
    }
    // Written anew without what is done with or damaged: records after a torn end would not be found.
    if (contents.records === 0) return;
    this.#rewrite();
    await this.written();
  }

  #schedule(): void {
    this.#phase = 'scheduled';
    // an answer is written at the second tick, and has then waited for at least half of the delay
    this.#writeTimer = setTimeout(() => this.#tick(), this.#delay.ms / 2);
  }

  /** Adds an entry to what is written, unless it is not needed any more. */
  #record(entry: Entry): void {
    if (entry.number === NOT_NEEDED) return;
    entry.number = ++this.#lastNumber;
    entry.recordBytes = this.#writing.addAnswer(entry.number, entry.answer);
    this.#liveRecordBytes += entry.recordBytes;
  }

  /** What waited at the last tick is written. */
  #tick(): void {
    const due = this.#waiting;
    this.#waiting = this.#fresh;
    this.#fresh = [];
    this.#write(due);
  }

  /** Also what came a moment ago. */
  #writeAll(): void {
    const due = [...this.#waiting, ...this.#fresh];
    this.#waiting = [];
    this.#fresh = [];
    this.#write(due);
  }

  #write(due: readonly Entry[]): void {
    clearTimeout(this.#writeTimer);
    for (const entry of due) this.#record(entry);
    if (this.#drops.length > 0) {
      this.#writing.addDrops(this.#drops);
      this.#drops = [];
    }
    if (this.#writing.length === 0) {
      this.#goOn();
      return;
    }
    const total = this.#file.length + this.#writing.length;
    if (total > 2 * this.#liveRecordBytes + MIN_COMPACT_BYTES) {
      this.#rewrite();
      return;
    }
    this.#phase = 'writing';
    this.#file.append(this.#writing.bytes, (error) => this.#over(error));
  }

  /** Replaces the file by one with all answers there are, and nothing else. */
  #rewrite(): void {
    this.#phase = 'writing';
    this.#writing.clear();
    this.#waiting = [];
    this.#fresh = [];
    this.#drops = [];
    this.#liveRecordBytes = 0;
    if (this.#entries.size === 0) {
      this.#file.clear((error) => this.#over(error));
      return;
    }
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.recordBytes = 0;
    let next = 0;
    this.#file.replace(
      () => {
        this.#writing.clear();
        for (; next < entries.length && this.#writing.length < PART_BYTES; next++) {
          const entry = entries[next];
          if (entry !== undefined) this.#record(entry);
        }
        return this.#writing.length === 0 ? null : this.#writing.bytes;
      },
      (error) => this.#over(error),
    );
  }

  /** A call of the file has returned. */
  #over(error: Error | null): void {
    this.#writing.clear();
    if (error !== null) {
      this.#fail(error);
      return;
    }
    this.#trouble.over('results are on disk again before they are acknowledged');
    if (this.#whenAtRest.length > 0 && this.#isBehind) this.#writeAll();
    else this.#goOn();
  }

  get #isBehind(): boolean {
    return this.#waiting.length > 0 || this.#fresh.length > 0;
  }

  #goOn(): void {
    if (this.#isBehind) this.#schedule();
    else this.#rest();
  }

  #rest(): void {
    this.#phase = 'resting';
    if (this.#drops.length > 0) this.#tidySoon();
    this.#wakeWaiting();
  }

  #fail(error: Error): void {
    this.#phase = 'failing';
    this.#waiting = [];
    this.#fresh = [];
    this.#drops = [];
    this.#wakeWaiting();
    const consequence = 'results cannot be written to disk: until they can, a crash of the agent loses them';
    this.#trouble.happened(error, consequence, () => {
      if (this.#phase === 'failing') this.#rewrite();
    });
    this.#file.release(() => undefined);
  }

  #wakeWaiting(): void {
    for (const wake of this.#whenAtRest.splice(0)) wake();
  }

  #tidySoon(): void {
    this.#tidyTimer ??= setTimeout(() => {
      this.#tidyTimer = undefined;
      if (this.#phase === 'resting') this.#tidy();
      // Else what is being written may or may not have taken the drops along.
      else if (this.#phase !== 'failing' && this.#phase !== 'closed') this.#tidySoon();
    }, TIDY_MS).unref();
  }

  #tidy(): void {
    if (this.#entries.size === 0) {
      if (this.#file.length > 0) this.#rewrite();
      return;
    }
    if (this.#drops.length === 0) return;
    this.#writeAll();
  }
}

function report(path: string, { damaged, tornBytes, answers }: JournalContents, log: Log): void {
  if (damaged > 0) {
    log.warn({ path, damaged }, 'damaged results of the agent were left out: their tasks are done again');
  }
  if (tornBytes > 0)
    log.info({ path, bytes: tornBytes }, 'a result that was not written to its end is cut off');
  if (answers.length > 0) log.info({ path, results: answers.length }, 'results wait to be handed over');
}

/** Null when there is none. */
async function readWhole(path: string): Promise<Buffer | null> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = await file.stat();
    return size > MAX_JOURNAL_BYTES ? Buffer.from('too long') : await file.readFile();
  } finally {
    await file.close();
  }
}
