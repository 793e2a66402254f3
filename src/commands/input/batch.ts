import type { FileHandle } from 'node:fs/promises';
import { TaskInputError } from '../../tasks/kind.js';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';
import { BatchLineProblem, type BatchTask, readBatchTask } from './batch-task.js';
import { NeedsGraph } from './needs-graph.js';
import { LongLineError, splitLines } from './lines.js';
import { type ByteStream, closeSource, openSource, readWhole, sourceName } from './source.js';

const MAX_LINE_BYTES = 64 * 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface BatchEntry {
  /** From 1. */
  readonly line: number;
  readonly task: BatchTask;
}

/** Tasks that have all been checked. */
export interface Batch {
  readonly count: number;
  /** Tasks outside the batch that some of it need. */
  readonly neededTasks: readonly string[];
  /** Reads them once more, in order. */
  entries(): AsyncGenerator<BatchEntry>;
  close(): Promise<void>;
}

export interface OpenBatchOptions {
  /** Checks the input of a task by its kind; throws TaskInputError, or BatchLineProblem for an unknown kind. */
  readonly check: (task: BatchTask) => void;
  /** Read for `-`; default `process.stdin`. */
  readonly stdin?: ByteStream;
}

/**
 * Opens a batch file (or `-`): one JSON object a line, blank lines are skipped. The whole batch is read and checked
 * before this resolves, so that a bad line means that nothing is submitted; `entries` then reads a file a second time,
 * line by line. What can be read only once (standard input, pipes) is held in memory, 256 MiB at most.
 *
 * @throws UsageError that names file and line: `tasks.ndjson:17: …; nothing was submitted`
 */
export async function openBatch(path: string, { check, stdin }: OpenBatchOptions): Promise<Batch> {
  const source = await openSource('--batch', path, stdin);
  try {
    const bytes =
      source.kind === 'file'
        ? fromFile(source.handle)
        : fromMemory(await readWhole('--batch', path, source.bytes));
    const before = await fileVersion(source.handle);
    let count = 0;
    const graph = new NeedsGraph();
    for await (const { line, task } of readEntries(path, bytes())) {
      checked(path, line, () => {
        check(task);
        graph.add(line, task);
      });
      count++;
    }
    if (count === 0)
      throw new UsageError(`--batch: ${sourceName(path)}: holds no task; nothing was submitted`);
    const fault = graph.fault();
    if (fault !== null) throw badLine(path, fault.line, fault.problem);
    return {
      count,
      neededTasks: graph.outside(),
      async *entries() {
        if ((await fileVersion(source.handle)) !== before) {
          throw new UsageError(`--batch: ${path}: was changed while it was read; nothing was submitted`);
        }
        yield* readEntries(path, bytes());
      },
      close: () => closeSource(source),
    };
  } catch (error) {
    await closeSource(source);
    throw error;
  }
}

async function* readEntries(path: string, bytes: ByteStream): AsyncGenerator<BatchEntry> {
  try {
    for await (const { number, bytes: content } of splitLines(bytes, MAX_LINE_BYTES)) {
      const task = checked(path, number, () => {
        const text = decode(content);
        return text.trim() === '' ? null : readBatchTask(text);
      });
      if (task !== null) yield { line: number, task };
    }
  } catch (error) {
    if (error instanceof LongLineError) throw badLine(path, error.line, 'is longer than 64 MiB', error);
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(`--batch: ${sourceName(path)}: ${fileProblem(error)}`, { cause: error });
  }
}

function decode(content: Uint8Array): string {
  try {
    return utf8.decode(content);
  } catch {
    throw new BatchLineProblem('is not UTF-8 text');
  }
}

function checked<T>(path: string, line: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof BatchLineProblem || error instanceof TaskInputError)
      throw badLine(path, line, error.message, error);
    throw error;
  }
}

function badLine(path: string, line: number, problem: string, cause?: Error): UsageError {
  const text = `--batch: ${sourceName(path)}:${line}: ${problem}; nothing was submitted`;
  return new UsageError(text, cause === undefined ? undefined : { cause });
}

/** Each call reads from the start; the stream must leave the file open for the next. */
function fromFile(handle: FileHandle): () => ByteStream {
  return () => handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 });
}

function fromMemory(bytes: Buffer): () => ByteStream {
  return async function* () {
    await Promise.resolve();
    yield bytes;
  };
}

/** Changes when somebody writes to the file. */
async function fileVersion(handle: FileHandle | null): Promise<string> {
  if (handle === null) return '';
  const stats = await handle.stat();
  return stats.isFile() ? `${stats.size} ${stats.mtimeMs}` : '';
}
