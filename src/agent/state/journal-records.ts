import { crc32 } from 'node:zlib';
import { decodeEnvelope, encodeFrame, encodeHead } from '../../protocol/envelope.js';
import { LENGTH_BYTES } from '../../protocol/frame.js';
import { ProtocolError } from '../../protocol/errors.js';
import { isAnswerMessage, type Answer } from '../outbox.js';

/**
 * The records of an outbox journal. Integers are big-endian.
 *
 *     magic 4 | length of the body 4 | CRC-32 of the body 4 | body
 *     body of an answer:  1 | number 6 | the message and its payload as the body of a protocol frame
 *     body of drops:      2 | number 6, any number of times: these answers are done with
 *
 * Numbers count up within a file. A reader that meets anything else looks for the next magic with a body that fits its
 * checksum, so a damaged record costs itself and no other.
 */
const MAGIC = Buffer.from('QSJ1', 'latin1');
const MAGIC_NUMBER = MAGIC.readUInt32BE(0);
const HEADER_BYTES = 12;
const ANSWER = 1;
const DROPS = 2;
const NUMBER_BYTES = 6;
/** A payload from this size on is copied once, behind its frame's head, and not into the frame first. */
const SEPARATE_PAYLOAD_BYTES = 4096;
const FIRST_CAPACITY = 4 * 1024;
/** A buffer that grew beyond this for one large answer is not kept. */
const KEPT_CAPACITY = 1024 * 1024;

/** Records on their way to the file, end to end in one buffer that is used again. */
export class RecordBuffer {
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Returns the length of the record, in bytes. */
  addAnswer(number: number, { message, payload }: Answer): number {
    const separate = payload !== null && payload.length >= SEPARATE_PAYLOAD_BYTES ? payload : null;
    const frame = separate === null ? encodeFrame(message, payload) : encodeHead(message, separate.length);
    const frameBytes = frame.length - LENGTH_BYTES;
    const bodyBytes = 1 + NUMBER_BYTES + frameBytes + (separate?.length ?? 0);
    const start = this.#begin(bodyBytes);
    const buffer = this.#buffer;
    const body = start + HEADER_BYTES;
    const at = body + 1 + NUMBER_BYTES;
    // Its length comes to lie where the number is written next.
    buffer.set(frame, at - LENGTH_BYTES);
    if (separate !== null) buffer.set(separate, at + frameBytes);
    buffer[body] = ANSWER;
    buffer.writeUIntBE(number, body + 1, NUMBER_BYTES);
    return this.#end(start, bodyBytes);
  }

  addDrops(numbers: readonly number[]): void {
    const bodyBytes = 1 + NUMBER_BYTES * numbers.length;
    const start = this.#begin(bodyBytes);
    let at = start + HEADER_BYTES;
    this.#buffer[at++] = DROPS;
    for (const number of numbers) at = this.#buffer.writeUIntBE(number, at, NUMBER_BYTES);
    this.#end(start, bodyBytes);
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > KEPT_CAPACITY) this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  }

  #begin(bodyBytes: number): number {
    const start = this.#length;
    const needed = start + HEADER_BYTES + bodyBytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    return start;
  }

  #end(start: number, bodyBytes: number): number {
    const body = start + HEADER_BYTES;
    this.#length = body + bodyBytes;
    this.#buffer.writeUInt32BE(MAGIC_NUMBER, start);
    this.#buffer.writeUInt32BE(bodyBytes, start + 4);
    this.#buffer.writeUInt32BE(crc32(this.#buffer.subarray(body, this.#length)), start + 8);
    return HEADER_BYTES + bodyBytes;
  }
}

/** What a journal holds. */
export interface JournalContents {
  /** Answers that were not dropped, oldest first, the newest of each task; their payloads are copies. */
  readonly answers: readonly Answer[];
  /** Whole records, of any kind. */
  readonly records: number;
  /** Stretches between whole records that are no record. */
  readonly damaged: number;
  /** Bytes after the last whole record: what a crash has cut off, or damage at the end. */
  readonly tornBytes: number;
}

/** Bytes that are looked at, as a multiple of the length: lengths made up by damage must not make reading quadratic. */
const MAX_READING = 8;

/** Reads the bytes of a journal, whatever they are. Never throws for what they hold. */
export function readJournal(bytes: Buffer): JournalContents {
  const answers = new Map<number, Answer>();
  const numberOf = new Map<string, number>();
  let records = 0;
  let damaged = 0;
  let end = 0;
  let budget = MAX_READING * bytes.length;
  for (let at = bytes.indexOf(MAGIC); at !== -1 && budget > 0; at = bytes.indexOf(MAGIC, at)) {
    const body = bodyAt(bytes, at);
    budget -= body?.length ?? 0;
    if (body === null || !isWhole(body, bytes, at) || !apply(body, answers, numberOf)) {
      at += 1;
      continue;
    }
    if (at > end) damaged++;
    records++;
    at += HEADER_BYTES + body.length;
    end = at;
  }
  return { answers: [...answers.values()], records, damaged, tornBytes: bytes.length - end };
}

function bodyAt(bytes: Buffer, at: number): Buffer | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const length = bytes.readUInt32BE(at + 4);
  const start = at + HEADER_BYTES;
  if (length < 1 + NUMBER_BYTES || start + length > bytes.length) return null;
  return bytes.subarray(start, start + length);
}

function isWhole(body: Buffer, bytes: Buffer, at: number): boolean {
  return crc32(body) === bytes.readUInt32BE(at + 8);
}

/** False when the body means nothing. */
function apply(body: Buffer, answers: Map<number, Answer>, numberOf: Map<string, number>): boolean {
  if (body[0] === DROPS) {
    if ((body.length - 1) % NUMBER_BYTES !== 0) return false;
    for (let at = 1; at < body.length; at += NUMBER_BYTES) answers.delete(body.readUIntBE(at, NUMBER_BYTES));
    return true;
  }
  if (body[0] !== ANSWER) return false;
  const answer = readAnswer(body.subarray(1 + NUMBER_BYTES));
  if (answer === null) return false;
  const number = body.readUIntBE(1, NUMBER_BYTES);
  const { taskId } = answer.lease;
  const earlier = numberOf.get(taskId);
  if (earlier !== undefined) answers.delete(earlier);
  numberOf.set(taskId, number);
  answers.delete(number);
  answers.set(number, answer);
  return true;
}

function readAnswer(frame: Uint8Array): Answer | null {
  try {
    const { message, payload } = decodeEnvelope(frame);
    if (!isAnswerMessage(message)) return null;
    const { taskId, attempt, epoch } = message;
    const lease = { taskId, attempt, epoch };
    return { lease, message, payload: payload === null ? null : Uint8Array.from(payload) };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
