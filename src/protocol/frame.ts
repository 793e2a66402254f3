import { ProtocolError } from './errors.js';

/** A frame is the length of its body as a 32-bit big-endian number, then the body. */
export const LENGTH_BYTES = 4;

/** The boundaries of frames are lost: nothing that follows on this stream can be read. */
export class FrameError extends ProtocolError {}

/** An assembly buffer larger than this is given back once its frame is delivered. */
const KEEP_BYTES = 64 * 1024;
const MIN_BUFFER_BYTES = 1024;

/** Gets the body of a frame: what of `bytes` lies from `start` to before `end`, during the call. */
export type BodyListener = (bytes: Uint8Array, start: number, end: number) => void;

/**
 * Cuts a byte stream into frames. A frame that lies whole in one chunk is handed over without a copy; what is
 * split is assembled in a buffer that grows with the bytes that arrived, not with the length that was claimed.
 */
export class FrameDecoder {
  #maxMessageBytes: number;
  #failure: FrameError | null = null;
  /** Holds the first `#buffered` bytes of an unfinished frame, its length prefix included. */
  #buffer = new Uint8Array(0);
  #buffered = 0;

  constructor(options: { readonly maxMessageBytes: number }) {
    this.#maxMessageBytes = options.maxMessageBytes;
  }

  /** Bytes of an unfinished frame held here. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** Longest body accepted from now on, in bytes; a frame whose length has already been read stays accepted. */
  setMaxMessageBytes(bytes: number): void {
    this.#maxMessageBytes = bytes;
  }

  /**
   * Reads a chunk; calls `onBody` for each frame that is now complete. When that throws, the rest of the chunk is lost: do
   * not push again.
   * @throws FrameError FRAME_TOO_LARGE, or PROTOCOL_ERROR for a length of zero; again at every later push.
   */
  push(chunk: Uint8Array, onBody: BodyListener): void {
    if (this.#failure !== null) throw this.#failure;
    let offset = this.#buffered === 0 ? 0 : this.#finishBuffered(chunk, onBody);

    while (chunk.length - offset >= LENGTH_BYTES) {
      const start = offset + LENGTH_BYTES;
      const end = start + this.#bodyLength(chunk, offset);
      if (end > chunk.length) break;
      onBody(chunk, start, end);
      offset = end;
    }
    if (offset < chunk.length) this.#keep(chunk.subarray(offset), Infinity);
  }

  /** Adds to the unfinished frame what of it lies in `chunk`; returns how many bytes that took. */
  #finishBuffered(chunk: Uint8Array, onBody: BodyListener): number {
    let taken = 0;
    if (this.#buffered < LENGTH_BYTES) {
      taken = Math.min(LENGTH_BYTES - this.#buffered, chunk.length);
      this.#keep(chunk.subarray(0, taken), LENGTH_BYTES);
      if (this.#buffered < LENGTH_BYTES) return taken;
      this.#bodyLength(this.#buffer, 0);
    }
    // The length was checked when its last byte arrived; the limit may have changed since.
    const total = LENGTH_BYTES + readLength(this.#buffer, 0);
    const rest = Math.min(total - this.#buffered, chunk.length - taken);
    this.#keep(chunk.subarray(taken, taken + rest), total);
    taken += rest;
    if (this.#buffered === total) {
      const frame = this.#buffer;
      this.#buffered = 0;
      if (frame.length > KEEP_BYTES) this.#buffer = new Uint8Array(0);
      onBody(frame, LENGTH_BYTES, total);
    }
    return taken;
  }

  /** Appends to the assembly buffer, which never grows beyond `total`, the size of the frame where it is known. */
  #keep(bytes: Uint8Array, total: number): void {
    const needed = this.#buffered + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.min(
          Math.max(needed, this.#buffer.length * 2, MIN_BUFFER_BYTES),
          Math.max(total, MIN_BUFFER_BYTES),
        ),
      );
      grown.set(this.#buffer.subarray(0, this.#buffered));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered = needed;
  }

  #bodyLength(bytes: Uint8Array, at: number): number {
    const length = readLength(bytes, at);
    if (length > 0 && length <= this.#maxMessageBytes) return length;
    this.#failure =
      length === 0
        ? new FrameError('PROTOCOL_ERROR', 'a frame has the length 0; the boundaries of frames are lost')
        : new FrameError(
            'FRAME_TOO_LARGE',
            `a frame of ${length} bytes is over the limit of ${this.#maxMessageBytes}`,
          );
    this.#buffer = new Uint8Array(0);
    this.#buffered = 0;
    throw this.#failure;
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return (bytes[at] ?? 0) * 0x1000000 + low;
}

/** Writes the length of a body in front of it. */
export function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
}
