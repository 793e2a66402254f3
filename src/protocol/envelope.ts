import { slabCopy } from './byte-slabs.js';
import { ProtocolError, type ErrorContext } from './errors.js';
import { writeMessage } from './field-writer.js';
import { LENGTH_BYTES, writeLength } from './frame.js';
import { readFields } from './field-reader.js';
import { messageForms, type Form } from './message-forms.js';
import type { Message, MessageType } from './messages.js';
import { skipValue } from './msgpack-scan.js';
import { asBuffer, unpackViews } from './msgpack.js';
import { payloadNeed } from './rules.js';
import { fieldError, isMessage, isMessageType } from './validate.js';

/**
 * The body of a frame is a MessagePack array `[type, fields]` or `[type, fields, payload]`: text, a map with text
 * keys, a byte string. The payload is not looked into.
 */
export interface Envelope {
  readonly message: Message;
  /** A view of the body, valid as long as the body is, or a copy. */
  readonly payload: Uint8Array | null;
}

const ARRAY_2 = 0x92;
const ARRAY_3 = 0x93;
const FIX_STRING = 0xa0;

interface KnownType {
  readonly type: MessageType;
  readonly form: Form;
  readonly bytes: Uint8Array;
}

/** Types by the length of their name, which is at most 31. */
const typesByLength: KnownType[][] = [];
for (const [type, form] of messageForms) {
  if (!isMessageType(type)) continue;
  (typesByLength[type.length] ??= []).push({ type, form, bytes: Buffer.from(type) });
}

/**
 * A whole frame, length prefix included. The same message gives the same bytes, whatever the order of its
 * properties; properties that are undefined or not of its type are left out. The result is a view, valid until
 * anything else is encoded: write it to a stream (which copies) at once.
 * @throws RangeError when the body would be longer than a frame can say (4 GiB - 1).
 */
export function encodeFrame(message: Message, payload: Uint8Array | null = null): Uint8Array {
  if (payload === null) return encodeHead(message, null);
  const { buffer, end } = writeHead(message, payload.length, payload.length);
  buffer.set(payload, end);
  return beginningOf(buffer, end + payload.length);
}

/**
 * The frame up to the first byte of its payload, for a payload of this many bytes that is written after it
 * without a copy. Valid until anything else is encoded.
 */
export function encodeHead(message: Message, payloadBytes: number | null): Uint8Array {
  const { buffer, end } = writeHead(message, payloadBytes, 0);
  return beginningOf(buffer, end);
}

/** With at least `room` bytes more in the buffer. */
function writeHead(message: Message, payloadBytes: number | null, room: number) {
  const head = writeMessage(message, payloadBytes, LENGTH_BYTES, room);
  writeLength(head.buffer, 0, bodyLength(head.end - LENGTH_BYTES + (payloadBytes ?? 0)));
  return head;
}

/**
 * Reads the body of a frame: what of `bytes` lies from `start` to before `end`. Unknown fields stay on the message and
 * mean nothing. The payload is a view, or with `ownPayload` a copy as `slabCopy` makes it.
 * @throws ProtocolError BAD_MESSAGEPACK, UNKNOWN_MESSAGE_TYPE, BAD_FIELD, MISSING_PAYLOAD or UNEXPECTED_PAYLOAD, with
 *   the message's type, requestId and taskId as far as they could be read. None of these is fatal.
 */
export function decodeEnvelope(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
  ownPayload = false,
): Envelope {
  const array = start < end ? bytes[start] : undefined;
  if (array !== ARRAY_2 && array !== ARRAY_3) throw bad('the body is not an array of 2 or 3 elements');
  const known = knownType(bytes, start + 1);
  if (known === null) return decodeSlowly(bytes.subarray(start, end), array, ownPayload);
  // an empty literal has room for four fields, one with a field in it has room for no other
  const fields: Record<string, unknown> = {};
  fields.type = known.type;
  const fieldsEnd = readFields(asBuffer(bytes), start + 2 + known.bytes.length, end, known.form, fields);
  if (fieldsEnd === -1) return decodeSlowly(bytes.subarray(start, end), array, ownPayload);
  const payload = payloadAfter(bytes, array, fieldsEnd, end, known.type, ownPayload);
  return { message: checked(known.type, fields, payload), payload };
}

/** Reads what is not as our own writer writes it. */
function decodeSlowly(body: Uint8Array, array: number, ownPayload: boolean): Envelope {
  const typeEnd = skipValue(body, 1);
  const type = unpackViews(body.subarray(1, typeEnd));
  if (typeof type !== 'string') throw bad('the first element, the type of the message, is not text');

  if (!isMap(body[typeEnd])) throw bad('the second element, the fields, is not a map', type);
  const fieldsEnd = skipValue(body, typeEnd);
  const payload = payloadAfter(body, array, fieldsEnd, body.length, type, ownPayload);

  const fields = unpackViews(body.subarray(typeEnd, fieldsEnd));
  if (!isRecord(fields)) throw bad('the second element, the fields, is not a map', type);
  fields.type = type;
  return { message: checked(type, fields, payload), payload };
}

function payloadAfter(
  bytes: Uint8Array,
  array: number,
  fieldsEnd: number,
  end: number,
  type: string,
  own: boolean,
): Uint8Array | null {
  if (array === ARRAY_3) {
    const start = startOfPayload(bytes, fieldsEnd, end, type);
    return own ? slabCopy(bytes, start, end) : bytes.subarray(start, end);
  }
  if (fieldsEnd !== end) throw bad('bytes after the end of the message', type);
  return null;
}

function checked(type: string, fields: Record<string, unknown>, payload: Uint8Array | null): Message {
  if (!isMessageType(type)) {
    throw new ProtocolError(
      'UNKNOWN_MESSAGE_TYPE',
      `no message type '${type.slice(0, 64)}'`,
      contextOf(type, fields),
    );
  }
  if (!isMessage(type, fields)) throw fieldError(type, fields, contextOf(type, fields));
  const need = payloadNeed(fields);
  if (need === 'required' && payload === null) {
    throw new ProtocolError('MISSING_PAYLOAD', `${type} needs a payload`, contextOf(type, fields));
  }
  if (need === 'none' && payload !== null) {
    throw new ProtocolError('UNEXPECTED_PAYLOAD', `${type} has no payload here`, contextOf(type, fields));
  }
  return fields;
}

/** The type of a message that is spelled from `at` on, found without building text; null for all others. */
function knownType(body: Uint8Array, at: number): KnownType | null {
  const length = (body[at] ?? 0) - FIX_STRING;
  for (const known of typesByLength[length] ?? []) {
    const { bytes } = known;
    let index = 0;
    while (index < length && bytes[index] === body[at + 1 + index]) index++;
    if (index === length) return known;
  }
  return null;
}

function startOfPayload(bytes: Uint8Array, at: number, end: number, type: string): number {
  const width = at < end ? binLengthBytes(bytes[at]) : 0;
  if (width === 0) throw bad('the third element, the payload, is not a byte string', type);
  const start = at + 1 + width;
  let length = 0;
  for (let index = at + 1; index < start; index++) {
    length = length * 256 + (index < end ? (bytes[index] ?? 0) : 0);
  }
  if (start + length !== end) {
    throw bad(`a payload of ${length} bytes, but ${Math.max(0, end - start)} bytes follow`, type);
  }
  return start;
}

function binLengthBytes(token: number | undefined): number {
  switch (token) {
    case 0xc4:
      return 1;
    case 0xc5:
      return 2;
    case 0xc6:
      return 4;
    default:
      return 0;
  }
}

/** What an answer can refer to, from fields that may be of any form. */
function contextOf(type: string, fields: Record<string, unknown>): ErrorContext {
  const { requestId, taskId } = fields;
  return {
    messageType: type.slice(0, 64),
    requestId: typeof requestId === 'number' && requestId >>> 0 === requestId ? requestId : undefined,
    taskId: typeof taskId === 'string' && taskId.length > 0 && taskId.length <= 64 ? taskId : undefined,
  };
}

const isMap = (token: number | undefined): boolean =>
  token !== undefined && ((token >= 0x80 && token <= 0x8f) || token === 0xde || token === 0xdf);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const bad = (what: string, messageType?: string) =>
  new ProtocolError('BAD_MESSAGEPACK', what, { messageType: messageType?.slice(0, 64) });

function bodyLength(bytes: number): number {
  if (bytes > 0xffffffff) throw new RangeError(`a message of ${bytes} bytes is longer than a frame can be`);
  return bytes;
}

/** Shorter frames are given out as the same views again and again. */
const VIEWED_BYTES = 1024;
let viewed: Buffer | null = null;
/** By their length: views of the beginning of `viewed`. */
const views = new Array<Uint8Array | null>(VIEWED_BYTES).fill(null);

function beginningOf(buffer: Buffer, length: number): Uint8Array {
  if (length >= VIEWED_BYTES) return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
  if (buffer !== viewed) {
    viewed = buffer;
    views.fill(null);
  }
  return (views[length] ??= new Uint8Array(buffer.buffer, buffer.byteOffset, length));
}
