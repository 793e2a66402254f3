/** Lengths that are remembered at once; a power of two. */
const PLACES = 64;

/**
 * Views of the first bytes of a buffer. The same lengths come again and again, of full datagrams, full readings and
 * acknowledgements, and to make a view takes as long as many a native call.
 */
export class PrefixView {
  readonly #views = new Array<Buffer | undefined>(PLACES).fill(undefined);

  constructor(readonly buffer: Buffer) {}

  /** @param length at most that of the buffer */
  of(length: number): Buffer {
    const place = length & (PLACES - 1);
    const known = this.#views[place];
    if (known?.length === length) return known;
    const view = this.buffer.subarray(0, length);
    this.#views[place] = view;
    return view;
  }
}
