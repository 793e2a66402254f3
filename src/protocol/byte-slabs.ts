import { markAsUntransferable } from 'node:worker_threads';

const SLAB_BYTES = 8 * 1024;
/** Longer ones have a slab of their own. */
const MAX_SHARED_BYTES = 1024;
/** Of the beginning of each, so that arrays of numbers can be laid over it. */
const ALIGNMENT = 8;

let slab = newSlab();
let used = 0;

/**
 * A copy of the bytes from `start` to before `end`. Short ones share an ArrayBuffer with those that are copied before and
 * after them: an ArrayBuffer of its own costs a short byte string several times what the rest of it costs, in malloc and
 * in the garbage collector's book of them (of a task with 256 bytes there and back, an eighth of the coordinator's time).
 *
 * The whole slab stays in memory as long as anything in it: what outlives the others by far goes through `ownBytes`.
 */
export function slabCopy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > MAX_SHARED_BYTES) return new Uint8Array(bytes.subarray(start, end));
  if (used + length > SLAB_BYTES) {
    slab = newSlab();
    used = 0;
  }
  const copy = new Uint8Array(slab, used, length);
  used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** Whoever transferred one of many to another thread would take the others away: it goes as a copy, or is refused. */
function newSlab(): ArrayBuffer {
  const buffer = new ArrayBuffer(SLAB_BYTES);
  markAsUntransferable(buffer);
  return buffer;
}

/** The same bytes in an ArrayBuffer that holds nothing else: themselves, if they have one. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
