import { messageForms, type Form } from './message-forms.js';
import type { Message } from './messages.js';

/**
 * Writes messages as MessagePack, without an object for each field list and in one pass: what a message is made of is
 * known, and every task takes six of them. Values are as short as MessagePack allows; integers beyond 32 bits are floats.
 */

/** A buffer that grew beyond this is given back. */
const KEEP_BYTES = 1024 * 1024;
const INITIAL_BYTES = 16 * 1024;
/** Longest header of text, list, map or byte string. */
const MAX_HEADER = 5;
/** Longest number, its first byte included. */
const MAX_NUMBER = 9;
/** Longer text is left to the platform. */
const SHORT_TEXT = 64;

let out = Buffer.allocUnsafeSlow(INITIAL_BYTES);
let floats = new DataView(out.buffer);
let at = 0;
const written = { buffer: out, end: 0 };
/** Places of the fields that the maps under way have, those of an inner one behind those of the outer. */
const found: number[] = [];
/** The value of each. */
const values: unknown[] = [];
/** So many of them: the lists themselves never shrink, since an empty one gives its memory back. */
let foundCount = 0;

/**
 * Writes a message from byte `start` on: a list of its type, its fields and, if it has one, its payload, of which only the
 * header is written; there are at least `room` bytes more behind it. Fields that are undefined or not of the type are left
 * out. What was written is valid until the next message is.
 * @throws TypeError for what is not JSON.
 */
export function writeMessage(
  message: Message,
  payloadBytes: number | null,
  start: number,
  room: number,
): { readonly buffer: Buffer; readonly end: number } {
  if (out.length > KEEP_BYTES) allocate(INITIAL_BYTES);
  at = start;
  foundCount = 0;
  const form = messageForms.get(message.type);
  if (form === undefined) throw new TypeError(`no message type '${message.type}'`);
  reserve(form.head.length + MAX_HEADER);
  writeHeader(payloadBytes === null ? 2 : 3, 0x90, 16, 0xdc, 0xdd);
  copy(form.head);
  writeFields(message, form);
  reserve(MAX_HEADER + room);
  if (payloadBytes !== null) writeBinHeader(payloadBytes);
  written.buffer = out;
  written.end = at;
  return written;
}

/** Those of the form, in its order. */
function writeFields(fields: Readonly<Record<string, unknown>>, form: Form): void {
  const first = foundCount;
  let expected = 0;
  for (const name in fields) {
    // most come in the order of the form, which saves looking for them
    const place = form.names[expected] === name ? expected : form.places.get(name);
    if (place === undefined) continue;
    expected = place + 1;
    // read once: each reading of a time makes an object of it
    const value = fields[name];
    if (value !== undefined) insert(place, value, first);
  }
  const count = foundCount - first;
  reserve(MAX_HEADER);
  writeHeader(count, 0x80, 16, 0xde, 0xdf);
  for (let index = first; index < first + count; index++) {
    const place = found[index] ?? 0;
    const key = form.keys[place];
    const value = values[index];
    values[index] = undefined;
    if (key === undefined) continue;
    reserve(key.length + MAX_NUMBER);
    copy(key);
    writeValue(value, form.inside[place] ?? null);
  }
  foundCount = first;
}

/** In order, from `first` on. Most messages are made in the order in which they are sent. */
function insert(place: number, value: unknown, first: number): void {
  let index = foundCount++;
  for (; index > first && (found[index - 1] ?? 0) > place; index--) {
    found[index] = found[index - 1] ?? 0;
    values[index] = values[index - 1];
  }
  found[index] = place;
  values[index] = value;
}

/** There is room for a number or a header. */
function writeValue(value: unknown, form: Form | null): void {
  switch (typeof value) {
    case 'string':
      writeText(value);
      return;
    case 'number':
      writeNumber(value);
      return;
    case 'boolean':
      out[at++] = value ? 0xc3 : 0xc2;
      return;
    case 'object':
      if (value === null) out[at++] = 0xc0;
      else if (Array.isArray(value)) {
        writeHeader(value.length, 0x90, 16, 0xdc, 0xdd);
        for (const element of value) {
          reserve(MAX_NUMBER);
          writeValue(element, form);
        }
      } else if (isRecord(value)) {
        if (form === null) writeMap(value);
        else writeFields(value, form);
      }
      return;
    default:
      throw new TypeError(`a ${typeof value} has no place in a message`);
  }
}

/** One whose names are not known in advance. */
function writeMap(map: Readonly<Record<string, unknown>>): void {
  const entries = Object.entries(map);
  let count = 0;
  for (const [, value] of entries) if (value !== undefined) count++;
  writeHeader(count, 0x80, 16, 0xde, 0xdf);
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    writeText(name);
    reserve(MAX_NUMBER);
    writeValue(value, null);
  }
}

const isRecord = (value: object): value is Record<string, unknown> => !ArrayBuffer.isView(value);

function writeNumber(value: number): void {
  if (value >>> 0 === value) {
    if (value < 0x80) {
      out[at++] = value;
    } else if (value < 0x100) {
      out[at++] = 0xcc;
      out[at++] = value;
    } else if (value < 0x10000) {
      out[at++] = 0xcd;
      out[at++] = value >>> 8;
      out[at++] = value;
    } else {
      out[at++] = 0xce;
      writeUint32(value);
    }
  } else if (value >> 0 === value) {
    if (value >= -0x20) {
      out[at++] = value & 0xff;
    } else if (value >= -0x80) {
      out[at++] = 0xd0;
      out[at++] = value & 0xff;
    } else if (value >= -0x8000) {
      out[at++] = 0xd1;
      out[at++] = (value >> 8) & 0xff;
      out[at++] = value & 0xff;
    } else {
      out[at++] = 0xd2;
      writeUint32(value >>> 0);
    }
  } else {
    out[at++] = 0xcb;
    floats.setFloat64(at, value);
    at += 8;
  }
}

function writeText(text: string): void {
  const { length } = text;
  if (length <= SHORT_TEXT) {
    reserve(length + MAX_HEADER);
    const start = at;
    at += length < 32 ? 1 : 2;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) break;
      out[at++] = code;
    }
    if (at - start === length + (length < 32 ? 1 : 2)) {
      if (length < 32) {
        out[start] = 0xa0 | length;
      } else {
        out[start] = 0xd9;
        out[start + 1] = length;
      }
      return;
    }
    at = start;
  }
  const bytes = Buffer.byteLength(text);
  reserve(bytes + MAX_HEADER);
  if (bytes >= 32 && bytes < 0x100) {
    out[at++] = 0xd9;
    out[at++] = bytes;
  } else writeHeader(bytes, 0xa0, 32, 0xda, 0xdb);
  at += out.write(text, at);
}

function writeBinHeader(bytes: number): void {
  if (bytes < 0x100) {
    out[at++] = 0xc4;
    out[at++] = bytes;
  } else writeHeader(bytes, 0, 0, 0xc5, 0xc6);
}

/** The shortest of three headers: with the count in the first byte, with 16 bits, with 32. */
function writeHeader(count: number, short: number, below: number, medium: number, long: number): void {
  if (count < below) {
    out[at++] = short | count;
  } else if (count < 0x10000) {
    out[at++] = medium;
    out[at++] = count >>> 8;
    out[at++] = count;
  } else {
    out[at++] = long;
    writeUint32(count);
  }
}

function writeUint32(value: number): void {
  out[at++] = value >>> 24;
  out[at++] = value >>> 16;
  out[at++] = value >>> 8;
  out[at++] = value;
}

function copy(bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index++) out[at++] = bytes[index] ?? 0;
}

/** Makes room for so many bytes more. */
function reserve(bytes: number): void {
  if (at + bytes <= out.length) return;
  const full = out;
  allocate(Math.max(2 * full.length, at + bytes));
  full.copy(out, 0, 0, at);
}

function allocate(bytes: number): void {
  out = Buffer.allocUnsafeSlow(bytes);
  floats = new DataView(out.buffer);
}
