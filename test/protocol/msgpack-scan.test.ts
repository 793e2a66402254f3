import fc from 'fast-check';
import t from 'tap';
import { ProtocolError } from '../../src/protocol/errors.js';
import { MAX_VALUES } from '../../src/protocol/limits.js';
import { scanValue, skipValue } from '../../src/protocol/msgpack-scan.js';
import { decodeValue, encodeValue } from '../../src/protocol/value.js';
import { anyValue } from './arbitraries.js';

const scanned = (bytes: Uint8Array): boolean => {
  try {
    scanValue(bytes);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError && error.name === 'BAD_MESSAGEPACK') return false;
    throw error;
  }
};

t.test('accepts what is encoded, at any place; refuses every part of it and what is longer', (t) => {
  fc.assert(
    fc.property(anyValue, fc.uint8Array({ maxLength: 5 }), fc.nat(), (value, before, place) => {
      const bytes = encodeValue(value);
      const shifted = Buffer.concat([before, bytes, Uint8Array.of(0xc0)]);
      return (
        scanned(bytes) &&
        skipValue(shifted, before.length) === before.length + bytes.length &&
        !scanned(bytes.subarray(0, place % bytes.length)) &&
        !scanned(Buffer.concat([bytes, Uint8Array.of(0)]))
      );
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test('whatever it accepts, the decoder reads', (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 24, size: 'max' }), (bytes) => {
      if (!scanned(bytes)) return;
      accepted++;
      decodeValue(bytes);
    }),
    { numRuns: 5000 },
  );
  t.ok(accepted > 100, `${accepted} accepted`);
  t.end();
});

t.test('stops at the cap on values', (t) => {
  const list = (count: number) => {
    const bytes = new Uint8Array(5 + count).fill(0x80, 5);
    bytes[0] = 0xdd;
    new DataView(bytes.buffer).setUint32(1, count);
    return bytes;
  };
  t.ok(scanned(list(MAX_VALUES - 1)));
  t.notOk(scanned(list(MAX_VALUES)));
  t.end();
});

t.test('depth 32 is accepted, also when levels close and open again', (t) => {
  const nested = (depth: number) => Buffer.concat([new Uint8Array(depth).fill(0x91), Uint8Array.of(0xc0)]);
  t.ok(scanned(nested(32)));
  t.notOk(scanned(nested(33)));
  t.ok(scanned(Buffer.concat([Uint8Array.of(0x93), nested(31), nested(31), nested(31)])));
  const maps = Buffer.from(`${'81a161'.repeat(32)}c0`, 'hex');
  t.ok(scanned(maps));
  t.notOk(scanned(Buffer.from(`${'81a161'.repeat(33)}c0`, 'hex')));
  t.notOk(
    scanned(new Uint8Array(1_000_000).fill(0x91)),
    'a megabyte of brackets does not exhaust the call stack',
  );
  t.end();
});

t.test('a scan that fails leaves nothing behind', (t) => {
  t.notOk(scanned(Buffer.from('82a161c0', 'hex')));
  t.ok(scanned(Buffer.from('82a161c0a162c3', 'hex')));
  t.end();
});

t.test('faults say where they are', (t) => {
  t.throws(() => scanValue(Buffer.from('93c0c0c1', 'hex')), {
    message: /byte 3: the byte 0xc1/,
    name: 'BAD_MESSAGEPACK',
  });
  t.throws(() => scanValue(Buffer.from('92c0d6ff00000000', 'hex')), {
    message: /byte 2: the extension type -1/,
  });
  t.throws(() => scanValue(Buffer.from('ddffffffff', 'hex')), { message: /4294967295 elements/ });
  t.throws(() => scanValue(Buffer.from('c0c0', 'hex')), { message: /1 bytes after/ });
  t.end();
});
