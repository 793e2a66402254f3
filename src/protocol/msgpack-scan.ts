import { ProtocolError } from './errors.js';
import { EXTENSIONS, MAX_DEPTH, MAX_VALUES } from './limits.js';

/**
 * Walks MessagePack without building anything, so that what the decoder gets cannot surprise it: msgpackr
 * allocates by the counts it reads and gives meaning to extensions (records, references, classes, dates)
 * that have no place on this wire. The walk keeps its own stack, so depth costs no call stack.
 */

/** Per level above the current one: values still to come, and whether they belong to a map. Reused by every scan. */
const pendingStack = new Float64Array(MAX_DEPTH);
const mapStack = new Uint8Array(MAX_DEPTH);

/** Element size in bytes by extension type; 0 for types that are not ours. */
const elementSize = new Uint8Array(256);
for (const { type, bytes } of EXTENSIONS) elementSize[type] = bytes;

const PROTO_KEY = Uint8Array.from('__proto__', (char) => char.charCodeAt(0));

/**
 * Checks that `bytes` is exactly one value.
 * @throws ProtocolError BAD_MESSAGEPACK that names the fault and the byte where it is.
 */
export function scanValue(bytes: Uint8Array): void {
  const end = skipValue(bytes, 0);
  if (end !== bytes.length) throw fault(end, `${bytes.length - end} bytes after the end of the value`);
}

/**
 * Checks the value that begins at `position` and returns the position after it. Refused: what runs over the
 * end, more than MAX_DEPTH nested maps and arrays, more than MAX_VALUES values, map keys that are not text or
 * are `__proto__`, integers over 2^53-1 in size, extensions other than ours or of a wrong length, the byte 0xc1.
 * @throws ProtocolError BAD_MESSAGEPACK that names the fault and the byte where it is.
 */
export function skipValue(bytes: Uint8Array, position: number): number {
  const end = bytes.length;
  let depth = 0;
  let pending = 1;
  let inMap = false;
  let values = 0;

  for (;;) {
    while (pending === 0) {
      if (depth === 0) return position;
      depth--;
      pending = pendingStack[depth] ?? 0;
      inMap = mapStack[depth] === 1;
    }
    pending--;
    if (++values > MAX_VALUES)
      throw fault(position, `more than ${MAX_VALUES} values; send numbers as typed arrays`);
    const start = position;
    const token = bytes[position++];
    if (token === undefined) throw truncated(start);

    // A map's values alternate key, value; an odd number to come means that this one is a key.
    if (inMap && (pending & 1) === 1) {
      position = skipKey(bytes, start, token);
      continue;
    }
    if (token < 0x80 || token >= 0xe0) continue; // small integers

    let count = -1; // children to come, when this is a container
    let map = false;
    if (token < 0x90) {
      count = (token & 0x0f) * 2;
      map = true;
    } else if (token < 0xa0) {
      count = token & 0x0f;
    } else if (token < 0xc0) {
      position += token & 0x1f;
    } else {
      switch (token) {
        case 0xc0: // nil
        case 0xc2: // false
        case 0xc3: // true
          break;
        case 0xc1:
          throw fault(start, 'the byte 0xc1, which is never used');
        case 0xc4: // bin 8
        case 0xd9: // str 8
          position += 1 + uint8(bytes, position);
          break;
        case 0xc5: // bin 16
        case 0xda: // str 16
          position += 2 + uint16(bytes, position);
          break;
        case 0xc6: // bin 32
        case 0xdb: // str 32
          position += 4 + uint32(bytes, position);
          break;
        case 0xc7: // ext 8
          position = skipExtension(bytes, start, position + 1, uint8(bytes, position));
          break;
        case 0xc8: // ext 16
          position = skipExtension(bytes, start, position + 2, uint16(bytes, position));
          break;
        case 0xc9: // ext 32
          position = skipExtension(bytes, start, position + 4, uint32(bytes, position));
          break;
        case 0xcc: // uint 8
        case 0xd0: // int 8
          position += 1;
          break;
        case 0xcd: // uint 16
        case 0xd1: // int 16
          position += 2;
          break;
        case 0xca: // float 32
        case 0xce: // uint 32
        case 0xd2: // int 32
          position += 4;
          break;
        case 0xcb: // float 64
          position += 8;
          break;
        case 0xcf: // uint 64
          if (uint32(bytes, position) > 0x1fffff) throw unsafe(start);
          position += 8;
          break;
        case 0xd3: // int 64
          checkInt64(bytes, start);
          position += 8;
          break;
        case 0xd4: // fixext 1, 2, 4, 8, 16
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          position = skipExtension(bytes, start, position, 1 << (token - 0xd4));
          break;
        case 0xdc: // array 16
          count = uint16(bytes, position);
          position += 2;
          break;
        case 0xdd: // array 32
          count = uint32(bytes, position);
          position += 4;
          break;
        case 0xde: // map 16
          count = uint16(bytes, position) * 2;
          position += 2;
          map = true;
          break;
        case 0xdf: // map 32
          count = uint32(bytes, position) * 2;
          position += 4;
          map = true;
          break;
      }
    }
    if (position > end) throw truncated(start);
    if (count < 0) continue;

    if (count > end - position)
      throw fault(start, `${map ? count / 2 : count} elements do not fit into what is left`);
    if (depth === MAX_DEPTH) throw fault(start, `more than ${MAX_DEPTH} maps and arrays inside each other`);
    pendingStack[depth] = pending;
    mapStack[depth] = inMap ? 1 : 0;
    depth++;
    pending = count;
    inMap = map;
  }
}

/** Checks a map's key and returns the position after it. */
function skipKey(bytes: Uint8Array, start: number, token: number): number {
  let position = start + 1;
  let length: number;
  if (token >= 0xa0 && token < 0xc0) {
    length = token & 0x1f;
  } else if (token === 0xd9) {
    length = uint8(bytes, position);
    position += 1;
  } else if (token === 0xda) {
    length = uint16(bytes, position);
    position += 2;
  } else if (token === 0xdb) {
    length = uint32(bytes, position);
    position += 4;
  } else {
    throw fault(start, 'the key of a map is not text');
  }
  if (position + length > bytes.length) throw truncated(start);
  if (length === PROTO_KEY.length && PROTO_KEY.every((byte, index) => byte === bytes[position + index])) {
    throw fault(start, 'a map has the key __proto__');
  }
  return position + length;
}

/** `typeAt`: where the extension's type stands; its `length` bytes follow. Returns the position after them. */
function skipExtension(bytes: Uint8Array, start: number, typeAt: number, length: number): number {
  const type = bytes[typeAt];
  if (type === undefined) throw truncated(start);
  const size = elementSize[type] ?? 0;
  if (size === 0)
    throw fault(start, `the extension type ${type > 127 ? type - 256 : type}, which is not of this protocol`);
  if (length % size !== 0) throw fault(start, `${length} bytes in an array of ${size}-byte numbers`);
  return typeAt + 1 + length;
}

function checkInt64(bytes: Uint8Array, start: number): void {
  const high = uint32(bytes, start + 1) | 0;
  const low = uint32(bytes, start + 5);
  if (high > 0x1fffff || high < -0x200000 || (high === -0x200000 && low === 0)) throw unsafe(start);
}

function uint8(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw truncated(at);
  return byte;
}

const uint16 = (bytes: Uint8Array, at: number): number => (uint8(bytes, at) << 8) | uint8(bytes, at + 1);

const uint32 = (bytes: Uint8Array, at: number): number => uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);

const fault = (at: number, what: string) =>
  new ProtocolError('BAD_MESSAGEPACK', `MessagePack at byte ${at}: ${what}`);
const truncated = (at: number) => fault(at, 'the bytes end inside a value');
const unsafe = (at: number) =>
  fault(at, 'an integer beyond 2^53-1, which not every language can hold; send it as text');
