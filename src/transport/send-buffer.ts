/** Capacity that is always kept for the next writes; more is kept while it is used. */
const KEEP_BYTES = 64 * 1024;
/** A larger buffer goes when it ran empty and no more than this part of it was filled since it did so before. */
const USED_SHARE = 1 / 8;
const FIRST_BYTES = 2 * 1024;

/**
 * Bytes written to a stream and not yet taken by the transport: one growing region, so that all frames written in one
 * turn leave with one native call. Invariant: 0 <= start <= end <= buffer.length.
 */
export class SendBuffer {
  private buffer = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  /** Most bytes held since the buffer was last empty. */
  private peak = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** View of all pending bytes, valid until the next `append`. */
  pending(): Uint8Array {
    return this.buffer.subarray(this.start, this.end);
  }

  append(bytes: Uint8Array): void {
    if (this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
    if (this.length > this.peak) this.peak = this.length;
  }

  consume(count: number): void {
    this.start += count;
    if (this.start === this.end) this.clear();
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    // A stream that is filled again and again keeps its buffer: to make one of megabytes anew costs more than to fill it.
    if (this.buffer.length > KEEP_BYTES && this.peak < this.buffer.length * USED_SHARE)
      this.buffer = Buffer.alloc(0);
    this.peak = 0;
  }

  private makeRoom(extra: number): void {
    const live = this.end - this.start;
    const needed = live + extra;
    // Sliding to the front costs `live` bytes of copying: worth it only when that frees at least as much.
    if (needed <= this.buffer.length && this.start >= live) {
      this.buffer.copyWithin(0, this.start, this.end);
    } else {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.buffer.length * 2));
      grown.set(this.buffer.subarray(this.start, this.end));
      this.buffer = grown;
    }
    this.start = 0;
    this.end = live;
  }
}
