import type { Output } from './output.js';

/**
 * `value` as one line of JSON. Typed arrays become lists of numbers; NaN and infinities become null, as everywhere in
 * JSON results; a BigInt becomes a number when that is exact, else text; a Map becomes an object. With `indent` it takes
 * several lines, for people.
 */
export function toJson(value: unknown, indent?: number): string {
  if (value === undefined) return 'null';
  return JSON.stringify(plain(value, 0), (_key, entry: unknown) => scalar(entry), indent);
}

/** Writes one document, or one line of a stream of them. */
export async function writeJson(output: Output, value: unknown): Promise<void> {
  await output.write(`${toJson(value)}\n`);
}

/** Deeper than any message can be. */
const MAX_DEPTH = 200;

/** Converted before JSON.stringify, which would call `toJSON` of a Buffer first. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (ArrayBuffer.isView(value)) return listOf(value);
  if (value instanceof ArrayBuffer) return [...new Uint8Array(value)];
  if (Array.isArray(value)) return value.map((entry) => plain(entry, depth + 1));
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, entry]) => [String(key), plain(entry, depth + 1)]));
  }
  if (value instanceof Set) return [...value].map((entry) => plain(entry, depth + 1));
  if (value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry, depth + 1)]));
}

function listOf(view: ArrayBufferView): unknown[] {
  if (view instanceof DataView) return [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];
  return Array.from(view as ArrayBufferView & ArrayLike<unknown>);
}

function scalar(entry: unknown): unknown {
  if (typeof entry !== 'bigint') return entry;
  const number = Number(entry);
  return Number.isSafeInteger(number) ? number : String(entry);
}
