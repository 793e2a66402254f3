import fc from 'fast-check';
import t from 'tap';
import {
  decodeGradient,
  encodeGradient,
  ErrorFeedback,
  GradientError,
} from '../../../src/tasks/neural-training/compression.js';
import { fromFloat16, toFloat16 } from '../../../src/tasks/neural-training/float16.js';

const gradients = fc
  .array(fc.double({ min: -1e30, max: 1e30, noNaN: true }), { minLength: 1, maxLength: 50 })
  .map((numbers) => Float64Array.from(numbers));

t.test('every binary16 comes back, and others become the nearest', (t) => {
  for (let pattern = 0; pattern < 0x10000; pattern++) {
    const value = fromFloat16(pattern);
    if (Number.isNaN(value)) continue;
    if (toFloat16(value) !== pattern) t.fail(`pattern ${pattern}`);
  }
  t.equal(fromFloat16(toFloat16(1 + 2 ** -11)), 1, 'a tie goes to even');
  t.equal(fromFloat16(toFloat16(1 + 3 * 2 ** -11)), 1 + 2 ** -9);
  t.equal(fromFloat16(toFloat16(65519)), 65504);
  t.equal(fromFloat16(toFloat16(65520)), Infinity);
  t.ok(Number.isNaN(fromFloat16(toFloat16(NaN))));
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
      const near = Math.fround(value);
      return Math.abs(fromFloat16(toFloat16(near)) - near) <= Math.max(2 ** -25, Math.abs(near) * 2 ** -11);
    }),
  );
  t.end();
});

t.test('a gradient comes back as exact as its encoding is', (t) => {
  fc.assert(
    fc.property(gradients, (gradient) => {
      const single = decodeGradient(
        encodeGradient(gradient, { name: 'float32' }),
        'float32',
        gradient.length,
      );
      if (!gradient.every((value, i) => single[i] === Math.fround(value))) return false;
      const half = decodeGradient(encodeGradient(gradient, { name: 'float16' }), 'float16', gradient.length);
      const scale = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return gradient.every((value, i) => Math.abs((half[i] ?? NaN) - value) <= scale * 2 ** -11 + 2 ** -149);
    }),
  );
  t.end();
});

t.test('top-k keeps the largest and leaves the rest for the next time', (t) => {
  const gradient = Float64Array.of(0.5, -4, 3, 0.25, -3);
  const bytes = encodeGradient(gradient, { name: 'top-k', fraction: 0.4 });
  t.equal(bytes.byteLength, 16);
  t.strictSame([...decodeGradient(bytes, 'top-k', 5)], [0, -4, 3, 0, 0]);
  const feedback = new ErrorFeedback();
  const topK = { name: 'top-k' as const, fraction: 0.2 };
  const sent = new Float64Array(3);
  for (let round = 0; round < 30; round++) {
    const part = decodeGradient(feedback.compress('a', Float64Array.of(1, 0.5, -0.25), topK), 'top-k', 3);
    for (let i = 0; i < 3; i++) sent[i] = (sent[i] ?? 0) + (part[i] ?? 0);
  }
  for (const [i, whole] of [30, 15, -7.5].entries()) {
    t.ok(Math.abs((sent[i] ?? 0) - whole) <= 2, `number ${i} is late by no more than a few rounds`);
  }
  t.strictSame(
    [...decodeGradient(feedback.compress('b', Float64Array.of(0, 0, 1), topK), 'top-k', 3)],
    [0, 0, 1],
    'each training has remainders of its own',
  );
  t.end();
});

t.test('bytes that are no gradient are refused', (t) => {
  const refused = (bytes: Uint8Array, encoding: 'float32' | 'float16' | 'top-k', text: RegExp) =>
    t.throws(() => decodeGradient(bytes, encoding, 3), { name: 'GradientError', message: text });
  refused(new Uint8Array(11), 'float32', /take 12 bytes; it has 11/);
  refused(new Uint8Array(6), 'float16', /take 10 bytes/);
  refused(new Uint8Array(12), 'top-k', /8 bytes/);
  refused(new Uint8Array(32), 'top-k', /8 bytes/);
  refused(new Uint8Array(16), 'top-k', /index 0 of top-k is not above 0/);
  const far = new Uint8Array(8);
  far[0] = 3;
  refused(far, 'top-k', /below 3/);
  refused(encodeGradient(Float64Array.of(1, NaN, 2), { name: 'float32' }), 'float32', /number 1 is NaN/);
  refused(encodeGradient(Float64Array.of(1, 2, 1e300), { name: 'float32' }), 'float32', /number 2 is Inf/);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom('float32' as const, 'float16' as const, 'top-k' as const),
      fc.integer({ min: 1, max: 16 }),
      (bytes, encoding, length) => {
        try {
          return decodeGradient(bytes, encoding, length).every(Number.isFinite);
        } catch (error) {
          return error instanceof GradientError;
        }
      },
    ),
  );
  t.end();
});
