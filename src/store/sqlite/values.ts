import { StoreError } from '../store.js';

/** What one column, or one field of an operation, can be. */
export type Value = string | number | null | Uint8Array;

/** A byte string up to this size is copied out of the buffer it came in, so that it does not keep all of it alive. */
const COPY_BYTES = 64 * 1024;
const HEADER_BYTES = 4;

/**
 * Puts values into one buffer that moves between threads without being copied:
 * length of the JSON (uint32, little-endian), JSON, byte strings one after the other. In the JSON a byte string is its
 * length. `values` is used up.
 */
export function packValues(values: Value[]): ArrayBuffer {
  const blobs: Uint8Array[] = [];
  let blobBytes = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'object' || value === null) continue;
    blobs.push(value);
    blobBytes += value.byteLength;
    values[i] = value.byteLength;
  }
  const json = JSON.stringify(values);
  const jsonBytes = Buffer.byteLength(json);
  const { buffer } = Buffer.allocUnsafeSlow(HEADER_BYTES + jsonBytes + blobBytes);
  const bytes = Buffer.from(buffer);
  bytes.writeUInt32LE(jsonBytes, 0);
  bytes.write(json, HEADER_BYTES);
  let offset = HEADER_BYTES + jsonBytes;
  for (const blob of blobs) {
    bytes.set(blob, offset);
    offset += blob.byteLength;
  }
  return buffer;
}

/** Gives values in the order in which they were written. Each throws when the next value is not what is asked for. */
export interface ValueSource {
  number(): number;
  numberOrNull(): number | null;
  text(): string;
  textOrNull(): string | null;
  bytes(): Uint8Array;
}

/** Reads what `packValues` or SQLite's JSON functions made, each value with its type. */
export class ValueReader implements ValueSource {
  #next = 0;

  constructor(
    readonly values: readonly unknown[],
    readonly buffer: ArrayBuffer | null,
    private blobOffset: number,
  ) {}

  /** Of what `packValues` made. */
  static ofBuffer(buffer: ArrayBuffer): ValueReader {
    const bytes = Buffer.from(buffer);
    const jsonBytes = bytes.readUInt32LE(0);
    const blobs = HEADER_BYTES + jsonBytes;
    return new ValueReader(parseArray(bytes.toString('utf8', HEADER_BYTES, blobs)), buffer, blobs);
  }

  /** Of a JSON array. */
  static ofText(json: string): ValueReader {
    return new ValueReader(parseArray(json), null, 0);
  }

  get done(): boolean {
    return this.#next >= this.values.length;
  }

  text(): string {
    const value = this.values[this.#next++];
    return typeof value === 'string' ? value : refuse('a text', value);
  }

  textOrNull(): string | null {
    const value = this.values[this.#next++];
    return value === null || typeof value === 'string' ? value : refuse('a text or null', value);
  }

  /** A number, or the text of one. */
  number(): number {
    const value = this.values[this.#next++];
    if (typeof value === 'number') return value;
    return typeof value === 'string' ? Number(value) : refuse('a number', value);
  }

  numberOrNull(): number | null {
    if (this.values[this.#next] !== null) return this.number();
    this.#next++;
    return null;
  }

  /** A view of the buffer. */
  bytes(): Uint8Array {
    const length = this.number();
    if (this.buffer === null) return refuse('bytes', length);
    const view = new Uint8Array(this.buffer, this.blobOffset, length);
    this.blobOffset += length;
    return view;
  }

  bytesOrNull(): Uint8Array | null {
    if (this.values[this.#next] !== null) return this.bytes();
    this.#next++;
    return null;
  }

  /** Small ones hold nothing of the buffer. */
  ownBytesOrNull(): Uint8Array | null {
    const view = this.bytesOrNull();
    return view !== null && view.byteLength <= COPY_BYTES ? view.slice() : view;
  }

  /** An array, to be read by itself. */
  row(): ValueReader {
    const value: unknown = this.values[this.#next++];
    return Array.isArray(value) ? new ValueReader(value, null, 0) : refuse('a row', value);
  }
}

export function parseArray(json: string): readonly unknown[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value : refuse('an array', value);
}

/** Throws: a record holds something else than it must. */
export function refuse(wanted: string, found: unknown): never {
  const what = found === null || found === undefined ? String(found) : typeof found;
  throw new StoreError('UNAVAILABLE', `a record is damaged: ${what} where ${wanted} should be`);
}
