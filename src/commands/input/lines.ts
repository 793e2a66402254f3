/** A line of a file without its line break, and its number from 1. */
export interface Line {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** A line longer than the limit. */
export class LongLineError extends Error {
  override readonly name = 'LongLineError';
  constructor(readonly line: number) {
    super(`line ${line} is too long`);
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Splits bytes into lines at LF or CRLF, and nowhere else: JSON text may hold U+2028. Holds one line at a time; an
 * empty last line is left out. @throws LongLineError for a line of more than `maxBytes`
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array) => {
    length += part.byteLength;
    if (length > maxBytes) throw new LongLineError(number);
    parts.push(part);
  };
  const take = (): Line => {
    const bytes = withoutCarriageReturn(
      parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts),
    );
    parts = [];
    length = 0;
    return { number: number++, bytes };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end));
      start = end + 1;
      yield take();
    }
    if (start < chunk.byteLength) keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

function withoutCarriageReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}
