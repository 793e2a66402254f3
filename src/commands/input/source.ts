import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';

/** Text that stands for standard input in `--input -`, `--batch -`, `--csv -`. */
const STDIN = '-';

/** Beyond this a text no longer fits into memory beside what is made of it. */
export const MAX_INPUT_BYTES = 256 * 1024 * 1024;

/** How errors name a file, or standard input. */
export function sourceName(path: string): string {
  return path === STDIN ? 'standard input' : path;
}

/** What `openSource` takes standard input from; replaced in tests. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** The bytes of a file, or of standard input for `-`. A regular file can be read from its start again; nothing else can. */
export type Source =
  | { readonly kind: 'file'; readonly handle: FileHandle }
  | { readonly kind: 'stream'; readonly bytes: ByteStream; readonly handle: FileHandle | null };

/**
 * Opens a file, or standard input for `-`. `origin` is the flag that names it.
 * @throws UsageError when it cannot be opened
 */
export async function openSource(
  origin: string,
  path: string,
  stdin: ByteStream = process.stdin,
): Promise<Source> {
  if (path === STDIN) return { kind: 'stream', bytes: stdin, handle: null };
  return readingOf(origin, path, async () => {
    const handle = await open(path, 'r');
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      await handle.close();
      throw new UsageError(`${origin}: ${path}: is a directory, a file is wanted`);
    }
    // A pipe such as /dev/stdin or <(command) gives its bytes once.
    if (!stats.isFile())
      return { kind: 'stream', bytes: handle.createReadStream({ autoClose: false }), handle };
    return { kind: 'file', handle };
  });
}

export async function closeSource(source: Source): Promise<void> {
  await source.handle?.close();
}

/** Reads all of `bytes`. @throws UsageError when there is more than MAX_INPUT_BYTES */
export async function readWhole(origin: string, path: string, bytes: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return readingOf(origin, path, async () => {
    for await (const chunk of bytes) {
      length += chunk.byteLength;
      if (length > MAX_INPUT_BYTES)
        throw new UsageError(`${origin}: ${sourceName(path)}: is longer than 256 MiB`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  });
}

/** Reads a file or standard input as UTF-8 text; a byte order mark is dropped. @throws UsageError */
export async function readText(origin: string, path: string, stdin?: ByteStream): Promise<string> {
  const source = await openSource(origin, path, stdin);
  try {
    const bytes =
      source.kind === 'file' ? source.handle.createReadStream({ autoClose: false }) : source.bytes;
    const whole = await readWhole(origin, path, bytes);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(whole);
    } catch (error) {
      throw new UsageError(`${origin}: ${sourceName(path)}: is not UTF-8 text`, { cause: error });
    }
  } finally {
    await closeSource(source);
  }
}

async function readingOf<T>(origin: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${origin}: ${sourceName(path)}: ${fileProblem(error)}`, { cause: error });
  }
}
