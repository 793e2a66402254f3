import { ProtocolError, type ErrorContext } from './errors.js';
import { LENGTH_BYTES, writeLength } from './frame.js';
import { messageSchemas, type Message, type MessageType } from './messages.js';
import { skipValue } from './msgpack-scan.js';
import { pack, unpackViews } from './msgpack.js';
import { payloadNeed } from './rules.js';
import { fieldError, isMessage, isMessageType } from './validate.js';

/**
 * The body of a frame is a MessagePack array `[type, fields]` or `[type, fields, payload]`: text, a map with text
 * keys, a byte string. The payload is not looked into.
 */
export interface Envelope {
  readonly message: Message;
  /** A view of the body, valid as long as the body is. */
  readonly payload: Uint8Array | null;
}

const ARRAY_2 = 0x92;
const ARRAY_3 = 0x93;
const FIX_STRING = 0xa0;
/** Longest header of a byte string (bin 32). */
const MAX_BIN_HEADER = 5;

/** Names of the fields of each type, in the order they are sent in. */
const fieldNames: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(messageSchemas).map(([type, schema]) => [type, Object.keys(schema.properties)]),
);

/** Types by the length of their name, at most 31: the type of a message is found without building text. */
const typesByLength: { readonly type: MessageType; readonly bytes: Uint8Array }[][] = [];
for (const type of Object.keys(messageSchemas).filter(isMessageType)) {
  (typesByLength[type.length] ??= []).push({ type, bytes: Buffer.from(type) });
}

/**
 * A whole frame, length prefix included. The same message gives the same bytes, whatever the order of its
 * properties; properties that are undefined or not of its type are left out. The result is a view, valid until
 * anything else is encoded: write it to a stream (which copies) at once.
 * @throws RangeError when the body would be longer than a frame can say (4 GiB - 1).
 */
export function encodeFrame(message: Message, payload: Uint8Array | null = null): Uint8Array {
  if (payload === null) return encodeHead(message, null);
  const head = encodeHead(message, payload.length);
  const total = head.length + payload.length;
  const room = head.buffer.byteLength - head.byteOffset;
  let frame: Uint8Array;
  if (total <= room) {
    frame = new Uint8Array(head.buffer, head.byteOffset, total);
  } else {
    frame = Buffer.allocUnsafeSlow(total);
    frame.set(head);
  }
  frame.set(payload, head.length);
  return frame;
}

/**
 * The frame up to the first byte of its payload, for a payload of this many bytes that is written after it
 * without a copy. Valid until anything else is encoded.
 */
export function encodeHead(message: Message, payloadBytes: number | null): Uint8Array {
  const packed = pack([message.type, fieldsOf(message)], LENGTH_BYTES);
  if (payloadBytes === null) {
    writeLength(packed, 0, bodyLength(packed.length - LENGTH_BYTES));
    return packed;
  }
  const head = withRoom(packed, MAX_BIN_HEADER);
  head[LENGTH_BYTES] = ARRAY_3;
  const end = writeBinHeader(head, packed.length, payloadBytes);
  writeLength(head, 0, bodyLength(end - LENGTH_BYTES + payloadBytes));
  return head.subarray(0, end);
}

/**
 * Reads the body of a frame. Unknown fields stay on the message and mean nothing.
 * @throws ProtocolError BAD_MESSAGEPACK, UNKNOWN_MESSAGE_TYPE, BAD_FIELD, MISSING_PAYLOAD or UNEXPECTED_PAYLOAD, with
 *   the message's type, requestId and taskId as far as they could be read. None of these is fatal.
 */
export function decodeEnvelope(body: Uint8Array): Envelope {
  const array = body[0];
  if (array !== ARRAY_2 && array !== ARRAY_3) throw bad('the body is not an array of 2 or 3 elements');
  const typeEnd = skipValue(body, 1);
  const type = knownType(body, typeEnd) ?? unpackViews(body.subarray(1, typeEnd));
  if (typeof type !== 'string') throw bad('the first element, the type of the message, is not text');

  if (!isMap(body[typeEnd])) throw bad('the second element, the fields, is not a map', type);
  const fieldsEnd = skipValue(body, typeEnd);
  const payload = array === ARRAY_3 ? readPayload(body, fieldsEnd, type) : null;
  if (array === ARRAY_2 && fieldsEnd !== body.length) throw bad('bytes after the end of the message', type);

  const fields = unpackViews(body.subarray(typeEnd, fieldsEnd));
  if (!isRecord(fields)) throw bad('the second element, the fields, is not a map', type);
  fields.type = type;
  return { message: checked(type, fields, payload), payload };
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

function fieldsOf(message: Message): Record<string, unknown> {
  const source: Readonly<Record<string, unknown>> = message;
  const fields: Record<string, unknown> = {};
  for (const name of fieldNames[message.type] ?? []) {
    const value = source[name];
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

/** The type that body[1] to body[end - 1] spell, without building text; null for all others. */
function knownType(body: Uint8Array, end: number): MessageType | null {
  const length = end - 2;
  if (body[1] !== (FIX_STRING | length)) return null;
  for (const { type, bytes } of typesByLength[length] ?? []) {
    let index = 0;
    while (index < length && bytes[index] === body[2 + index]) index++;
    if (index === length) return type;
  }
  return null;
}

function readPayload(body: Uint8Array, at: number, type: string): Uint8Array {
  const width = binLengthBytes(body[at]);
  if (width === 0) throw bad('the third element, the payload, is not a byte string', type);
  const start = at + 1 + width;
  let length = 0;
  for (let index = at + 1; index < start; index++) length = length * 256 + (body[index] ?? 0);
  if (start + length !== body.length) {
    throw bad(`a payload of ${length} bytes, but ${Math.max(0, body.length - start)} bytes follow`, type);
  }
  return body.subarray(start);
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

/** The same bytes with at least `extra` more after them, without a copy where its buffer has the room. */
function withRoom(bytes: Uint8Array, extra: number): Uint8Array {
  const size = bytes.length + extra;
  if (bytes.byteOffset + size <= bytes.buffer.byteLength)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, size);
  const larger = Buffer.allocUnsafeSlow(size);
  larger.set(bytes);
  return larger;
}

function writeBinHeader(bytes: Uint8Array, at: number, length: number): number {
  if (length < 0x100) {
    bytes[at] = 0xc4;
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length < 0x10000) {
    bytes[at] = 0xc5;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    return at + 3;
  }
  bytes[at] = 0xc6;
  writeLength(bytes, at + 1, length);
  return at + 5;
}

function bodyLength(bytes: number): number {
  if (bytes > 0xffffffff) throw new RangeError(`a message of ${bytes} bytes is longer than a frame can be`);
  return bytes;
}
