import { MAX_DEPTH, MAX_VALUES } from './limits.js';
import type { Form } from './message-forms.js';

/**
 * Reads the fields of a message, or a value, in one pass, as our own writer writes them and most others do: fields of
 * known names, short text in ASCII, numbers of up to 32 bits or floats. Whatever else there may be is left to the slow
 * way, which knows all of MessagePack and says what is wrong; what both can read they read alike.
 */

/** One for all: it is never seen outside. */
const UNUSUAL = new Error('not as our own writer writes');

/** Texts of up to so many bytes are looked for among those that came lately, so that the same text is made once. */
const COMMON_BYTES = 24;
const COMMON_TEXTS = 1024;
const common = new Array<string>(COMMON_TEXTS).fill('');

/** Longer text is left to the platform, which is faster with it and knows more than ASCII. */
const LONG_TEXT = 64;

const scratch = new DataView(new ArrayBuffer(8));

const NOTHING = Buffer.alloc(0);
let bytes: Buffer = NOTHING;
let at = 0;
/** Where the body ends. */
let limit = 0;
let values = 0;
/** Maps and lists around what is read next: they are read by calls inside calls, and a peer may nest without end. */
let depth = 0;

/**
 * Reads the map that begins at `start`, of a body that ends before `end`, into `fields`. Returns the position after it, or
 * -1 when it has to be read the slow way, with anything in `fields`. Nothing in them refers to `buffer`.
 */
export function readFields(
  buffer: Buffer,
  start: number,
  end: number,
  form: Form,
  fields: Record<string, unknown>,
): number {
  begin(buffer, start, end);
  try {
    readMap(byte(), form, fields);
    return at;
  } catch (error) {
    if (error !== UNUSUAL) throw error;
    return -1;
  } finally {
    bytes = NOTHING;
  }
}

/** What `readWhole` gives for what has to be read the slow way. */
export const UNREAD = Symbol('unread');

/** The one value that `buffer` holds, or UNREAD. Nothing in it refers to `buffer`. */
export function readWhole(buffer: Buffer): unknown {
  begin(buffer, 0, buffer.length);
  try {
    const value = readValue(null);
    return at === limit ? value : UNREAD;
  } catch (error) {
    if (error !== UNUSUAL) throw error;
    return UNREAD;
  } finally {
    bytes = NOTHING;
  }
}

function begin(buffer: Buffer, start: number, end: number): void {
  bytes = buffer;
  at = start;
  limit = end;
  values = 0;
  depth = 0;
}

/** How many entries a map has that begins with `token`. */
function mapSize(token: number): number {
  if (token >= 0x80 && token <= 0x8f) return token & 0x0f;
  if (token === 0xde) return (byte() << 8) | byte();
  throw UNUSUAL;
}

function readMap(token: number, { names, keys, inside }: Form, fields: Record<string, unknown>): void {
  let expected = 0;
  for (let count = mapSize(token); count > 0; count--) {
    const index = matchKey(keys, expected);
    const name = names[index];
    if (name === undefined) throw UNUSUAL;
    expected = index + 1;
    fields[name] = readValue(inside[index] ?? null);
  }
}

/** The index of the key that stands here, from `expected` on; fields come in the order of the form. */
function matchKey(keys: readonly Uint8Array[], expected: number): number {
  for (let index = expected; index < keys.length; index++) {
    const key = keys[index];
    if (key === undefined || key[0] !== bytes[at]) continue;
    let same = 1;
    while (same < key.length && key[same] === bytes[at + same]) same++;
    if (same < key.length) continue;
    // should it run over the end of the body, so does the value that must follow
    at += same;
    return index;
  }
  throw UNUSUAL;
}

function readValue(form: Form | null): unknown {
  if (++values > MAX_VALUES) throw UNUSUAL;
  const token = byte();
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token >= 0xa0 && token < 0xc0) return readText(token & 0x1f);
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xcb:
      for (let index = 0; index < 8; index++) scratch.setUint8(index, byte());
      return scratch.getFloat64(0);
    case 0xcc:
      return byte();
    case 0xcd:
      return (byte() << 8) | byte();
    case 0xce:
      return uint32();
    case 0xd0:
      return (byte() << 24) >> 24;
    case 0xd1:
      return (((byte() << 8) | byte()) << 16) >> 16;
    case 0xd2:
      return uint32() | 0;
    case 0xd9:
      return readText(byte());
    case 0xda:
      return readText((byte() << 8) | byte());
    case 0xdc:
      return readList((byte() << 8) | byte(), form);
  }
  if (token >= 0x90 && token < 0xa0) return readList(token & 0x0f, form);
  const map: Record<string, unknown> = {};
  deeper();
  if (form === null) readUnnamed(token, map);
  else readMap(token, form, map);
  depth--;
  return map;
}

/** A map whose names are not known in advance. */
function readUnnamed(token: number, fields: Record<string, unknown>): void {
  for (let count = mapSize(token); count > 0; count--) {
    const name = readValue(null);
    if (typeof name !== 'string' || name === '__proto__') throw UNUSUAL;
    fields[name] = readValue(null);
  }
}

function readList(count: number, form: Form | null): unknown[] {
  if (count > limit - at) throw UNUSUAL;
  const list: unknown[] = [];
  deeper();
  for (; count > 0; count--) list.push(readValue(form));
  depth--;
  return list;
}

function deeper(): void {
  if (++depth === MAX_DEPTH) throw UNUSUAL;
}

function readText(length: number): string {
  const start = at;
  const end = start + length;
  if (end > limit) throw UNUSUAL;
  if (length > LONG_TEXT) {
    // The slow way drops a byte order mark in front of a long text.
    if (bytes[start] === 0xef) throw UNUSUAL;
    at = end;
    return bytes.toString('utf8', start, end);
  }
  let hash = length;
  for (let index = start; index < end; index++) {
    const code = bytes[index] ?? 0;
    if (code >= 0x80) throw UNUSUAL;
    hash = (Math.imul(hash, 31) + code) | 0;
  }
  at = end;
  if (length > COMMON_BYTES) return bytes.toString('latin1', start, end);
  const place = hash & (COMMON_TEXTS - 1);
  const known = common[place] ?? '';
  if (known.length === length) {
    let same = 0;
    while (same < length && known.charCodeAt(same) === bytes[start + same]) same++;
    if (same === length) return known;
  }
  const text = bytes.toString('latin1', start, end);
  common[place] = text;
  return text;
}

function uint32(): number {
  return byte() * 0x1000000 + ((byte() << 16) | (byte() << 8) | byte());
}

function byte(): number {
  if (at >= limit) throw UNUSUAL;
  return bytes[at++] ?? 0;
}
