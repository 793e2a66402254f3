import { toJson } from '../../protocol/json-form.js';
import { decodeValue } from '../../protocol/value.js';

/** Larger results are left out: they are for programs, which ask the coordinator itself. */
const MAX_RESULT_BYTES = 64 * 1024;

/** A stored result as it appears in JSON: `result` when it is short, always `resultBytes`. */
export function resultView(bytes: Uint8Array | null): {
  readonly resultBytes: number | null;
  readonly result?: unknown;
} {
  if (bytes === null) return { resultBytes: null };
  const resultBytes = bytes.byteLength;
  if (resultBytes > MAX_RESULT_BYTES) return { resultBytes };
  return { resultBytes, result: toJson(decodeValue(bytes)) };
}

/** A value of the protocol as it appears in JSON. */
export function valueView(bytes: Uint8Array): unknown {
  return toJson(decodeValue(bytes));
}
