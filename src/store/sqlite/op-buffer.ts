import { parseArray, refuse, type Value, type ValueSource } from './values.js';

/** Bytes of the header: how many numbers there are, and how many bytes their texts take; two uint32, little-endian. */
const HEADER_BYTES = 8;
const NUMBER_BYTES = 8;
const FIRST_CAPACITY = 1024;

/**
 * Puts the fields of operations into one buffer that moves between threads without being copied: header, a float64 for
 * each field, each text once as a JSON array, byte strings one after the other. A text is its place in the array, a byte
 * string is its length, null and what is no finite number is NaN. Fields have no types: who reads knows their order.
 *
 * Of a task's id, which stands in three operations, and of what many tasks have in common only the first is a text:
 * with each value as JSON, writing took three times as long and made a third of all that a task left for the collector.
 */
export class OpWriter {
  #numbers = new Float64Array(FIRST_CAPACITY);
  #count = 0;
  readonly #texts: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #blobs: Uint8Array[] = [];
  #blobBytes = 0;

  number(value: number | null): void {
    if (this.#count === this.#numbers.length) this.#grow();
    this.#numbers[this.#count++] = value !== null && Number.isFinite(value) ? value : NaN;
  }

  text(value: string | null): void {
    if (value === null) {
      this.number(null);
      return;
    }
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.#texts.push(value) - 1;
      this.#places.set(value, place);
    }
    this.number(place);
  }

  bytes(value: Uint8Array | null): void {
    this.number(value?.byteLength ?? null);
    if (value === null) return;
    this.#blobs.push(value);
    this.#blobBytes += value.byteLength;
  }

  values(values: readonly Value[]): void {
    for (const value of values) {
      if (typeof value === 'string') this.text(value);
      else if (typeof value === 'number') this.number(value);
      else this.bytes(value);
    }
  }

  finish(): ArrayBuffer {
    const json = JSON.stringify(this.#texts);
    const jsonBytes = Buffer.byteLength(json);
    const numberBytes = this.#count * NUMBER_BYTES;
    const { buffer } = Buffer.allocUnsafeSlow(HEADER_BYTES + numberBytes + jsonBytes + this.#blobBytes);
    const bytes = Buffer.from(buffer);
    bytes.writeUInt32LE(this.#count, 0);
    bytes.writeUInt32LE(jsonBytes, 4);
    new Float64Array(buffer, HEADER_BYTES, this.#count).set(this.#numbers.subarray(0, this.#count));
    bytes.write(json, HEADER_BYTES + numberBytes);
    let offset = HEADER_BYTES + numberBytes + jsonBytes;
    for (const blob of this.#blobs) {
      bytes.set(blob, offset);
      offset += blob.byteLength;
    }
    return buffer;
  }

  #grow(): void {
    const more = new Float64Array(2 * this.#numbers.length);
    more.set(this.#numbers);
    this.#numbers = more;
  }
}

/** Reads fields in the order in which they were written, and refuses what cannot be what is asked for. */
export class OpReader implements ValueSource {
  readonly #buffer: ArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #texts: readonly unknown[];
  #next = 0;
  #blobOffset: number;

  constructor(buffer: ArrayBuffer) {
    const bytes = Buffer.from(buffer);
    const count = bytes.readUInt32LE(0);
    const texts = HEADER_BYTES + count * NUMBER_BYTES;
    const blobs = texts + bytes.readUInt32LE(4);
    this.#buffer = buffer;
    this.#numbers = new Float64Array(buffer, HEADER_BYTES, count);
    this.#texts = parseArray(bytes.toString('utf8', texts, blobs));
    this.#blobOffset = blobs;
  }

  get done(): boolean {
    return this.#next >= this.#numbers.length;
  }

  number(): number {
    return this.numberOrNull() ?? refuse('a number', null);
  }

  numberOrNull(): number | null {
    const value = this.#numbers[this.#next++] ?? NaN;
    return Number.isNaN(value) ? null : value;
  }

  text(): string {
    return this.textOrNull() ?? refuse('a text', null);
  }

  textOrNull(): string | null {
    const place = this.numberOrNull();
    if (place === null) return null;
    const value = this.#texts[place];
    return typeof value === 'string' ? value : refuse('a text', value);
  }

  /** A view of the buffer. */
  bytes(): Uint8Array {
    return this.bytesOrNull() ?? refuse('bytes', null);
  }

  bytesOrNull(): Uint8Array | null {
    const length = this.numberOrNull();
    if (length === null) return null;
    const view = new Uint8Array(this.#buffer, this.#blobOffset, length);
    this.#blobOffset += length;
    return view;
  }
}
