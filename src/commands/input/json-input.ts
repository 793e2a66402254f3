import { UsageError } from '../exit.js';
import { findJsonFault } from './json-fault.js';
import { type ByteStream, readText, sourceName } from './source.js';

/**
 * Reads `--input FILE|-`: one JSON value of at most 256 MiB.
 * @throws UsageError that names the file, and line and column where it is not JSON
 */
export async function readJsonInput(path: string, stdin?: ByteStream): Promise<unknown> {
  const text = await readText('--input', path, stdin);
  const name = sourceName(path);
  if (text.trim() === '') throw new UsageError(`--input: ${name}: is empty, JSON is wanted`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const fault = findJsonFault(text);
    const place = fault === null ? name : `${name}:${fault.line}:${fault.column}`;
    throw new UsageError(`--input: ${place}: is not JSON: ${fault?.problem ?? 'too deeply nested'}`, {
      cause: error,
    });
  }
}
