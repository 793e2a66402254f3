import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { ProtocolError } from '../../src/protocol/errors.js';
import { MAX_VALUES } from '../../src/protocol/limits.js';
import { scanValue } from '../../src/protocol/msgpack-scan.js';
import { unpackCopies } from '../../src/protocol/msgpack.js';
import { decodeValue, encodeValue, ValueError } from '../../src/protocol/value.js';
import { anyValue } from './arbitraries.js';

t.test('what is encoded comes back, the same value as the same bytes', (t) => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeValue(value);
      t.strictSame(decodeValue(bytes), value);
      return Buffer.from(bytes).equals(encodeValue(value));
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test('the quick way to read and the one for all of MessagePack agree, whatever the bytes', (t) => {
  const said = (read: (bytes: Uint8Array) => unknown, bytes: Uint8Array) => {
    try {
      return read(bytes);
    } catch (error) {
      if (error instanceof ProtocolError) return error.message;
      throw error;
    }
  };
  const slowly = (bytes: Uint8Array) => {
    scanValue(bytes);
    return unpackCopies(Uint8Array.from(bytes));
  };
  // not with a key that is refused before it is written
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__":'));
  fc.assert(
    fc.property(
      fc.oneof(anyValue, json, fc.string({ unit: 'binary', minLength: 30, maxLength: 150 })),
      fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 3 }),
      fc.nat(3),
      (value, changes, less) => {
        const whole = encodeValue(value);
        for (const [place, byte] of changes) whole[place % whole.length] = byte;
        const bytes = whole.subarray(0, whole.length - (less % whole.length));
        assert.deepEqual(said(decodeValue, bytes), said(slowly, bytes));
      },
    ),
    { numRuns: 2000 },
  );
  for (const bytes of [
    [],
    [0xc0, 0xc0],
    [0x81, 0xa1, 0x61],
    [0x81, 0x01, 0x02],
    [0xde, 0, 1, 0xa1, 0x61, 0x05],
  ]) {
    assert.deepEqual(said(decodeValue, Uint8Array.from(bytes)), said(slowly, Uint8Array.from(bytes)));
  }
  const own = Buffer.concat([Buffer.of(0x81, 0xa9), Buffer.from('__proto__'), Buffer.of(0x80)]);
  t.throws(() => decodeValue(own), { name: 'BAD_MESSAGEPACK' });
  t.end();
});

t.test('arrays of numbers are aligned, and own their memory', (t) => {
  const value = {
    text: 'x',
    odd: new Float64Array([1, Number.NaN, -Infinity]),
    bytes: Uint8Array.of(1, 2, 3),
  };
  const encoded = encodeValue(value);
  const shifted = new Uint8Array(encoded.length + 3);
  shifted.set(encoded, 3);
  const decoded = decodeValue(shifted.subarray(3));
  shifted.fill(0xff);
  t.strictSame(decoded, value);
  t.end();
});

t.test('views of larger buffers send only what they show', (t) => {
  const all = new Float64Array([1, 2, 3, 4]);
  t.strictSame(decodeValue(encodeValue(all.subarray(1, 3))), new Float64Array([2, 3]));
  t.strictSame(decodeValue(encodeValue(Buffer.from('abc').subarray(1))), Uint8Array.of(98, 99));
  t.end();
});

t.test('undefined fields are left out, undefined alone is null', (t) => {
  t.strictSame(decodeValue(encodeValue({ a: undefined, b: [{ c: undefined, d: new Int8Array(1) }] })), {
    b: [{ d: new Int8Array(1) }],
  });
  t.equal(decodeValue(encodeValue(undefined)), null);
  t.end();
});

t.test('the bytes are the caller’s own', (t) => {
  const first = encodeValue('first');
  const copy = Buffer.from(first);
  encodeValue('other');
  encodeValue('x'.repeat(100_000));
  t.ok(copy.equals(first));
  t.equal(first.buffer.byteLength, first.length);
  t.end();
});

t.test('what cannot travel is refused with its place', (t) => {
  class Point {
    x = 1;
  }
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const cases: readonly (readonly [unknown, string, RegExp])[] = [
    [{ a: [1, undefined] }, 'a[1]', /undefined/],
    [{ a: { b: () => 1 } }, 'a.b', /function/],
    [[Symbol('s')], '[0]', /symbol/],
    [{ id: 1n }, 'id', /bigint/],
    [{ at: new Date(0) }, 'at', /Date/],
    [{ m: new Map() }, 'm', /Map/],
    [new Set(), '', /Set/],
    [[new Point()], '[0]', /Point/],
    [new BigInt64Array(1), '', /BigInt64Array/],
    [{ t: 'a\uD800b' }, 't', /surrogate/],
    [{ '\uDC00': 1 }, '\uDC00', /surrogate/],
    [JSON.parse('{"a": {"__proto__": 1}}'), 'a.__proto__', /__proto__/],
    [deep(33), '[0]'.repeat(32), /levels/],
    [cycle, '[0]'.repeat(32), /cycle/],
    [new Array(MAX_VALUES).fill(0), `[${MAX_VALUES - 1}]`, /typed arrays/],
  ];
  for (const [value, path, problem] of cases) {
    t.throws(() => encodeValue(value), { name: 'ValueError', path, problem });
  }
  t.throws(() => encodeValue(() => 1), ValueError);
  t.strictSame(decodeValue(encodeValue(deep(32))), deep(32));
  t.end();
});

t.test('names that objects inherit are ordinary fields', (t) => {
  const value = { constructor: 1, hasOwnProperty: 2, toString: null, toJSON: 'x', valueOf: [], type: 'Map' };
  t.strictSame(decodeValue(encodeValue(value)), value);
  t.end();
});

t.test('maps and text of every width', (t) => {
  for (const size of [0, 1, 15, 16, 17, 65_535, 65_536]) {
    const map = Object.fromEntries(Array.from({ length: size }, (_, index) => [`k${index}`, index]));
    t.strictSame(decodeValue(encodeValue(map)), map);
    t.equal(decodeValue(encodeValue('ü'.repeat(size))), 'ü'.repeat(size));
    t.strictSame(decodeValue(encodeValue(new Array(size).fill(true))), new Array(size).fill(true));
    t.strictSame(decodeValue(encodeValue(new Uint16Array(size).fill(7))), new Uint16Array(size).fill(7));
  }
  t.end();
});
