import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import t from 'tap';
import { ownBytes, slabCopy } from '../../src/protocol/byte-slabs.js';

void t.test('copies hold what was copied, however many share a slab', async (t) => {
  const piece = fc.tuple(fc.uint8Array({ maxLength: 1_100, size: 'max' }), fc.nat(), fc.nat());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const copies = pieces.map(([bytes, a, b]) => {
        const [start = 0, end = 0] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y);
        const expected = [...bytes.subarray(start, end)];
        const copy = slabCopy(Buffer.from(bytes), start, end);
        bytes.fill(0);
        return { expected, copy };
      });
      for (const { expected, copy } of copies) {
        t.strictSame([...copy], expected);
        t.equal(copy.byteOffset % 8, 0, 'numbers can be laid over it');
        t.strictSame([...ownBytes(copy)], expected);
      }
    }),
    { numRuns: 50 },
  );
});

void t.test('short ones share, long ones do not', async (t) => {
  const short = Array.from({ length: 100 }, () => slabCopy(new Uint8Array(256), 0, 256));
  t.ok(new Set(short.map(({ buffer }) => buffer)).size <= 5);
  const long = slabCopy(new Uint8Array(2_000), 0, 2_000);
  t.equal(long.buffer.byteLength, 2_000);
});

void t.test('what is made its own holds nothing else, and is not copied twice', async (t) => {
  const [first, second] = [slabCopy(new Uint8Array([1, 2, 3]), 0, 3), slabCopy(new Uint8Array([4]), 0, 1)];
  const own = ownBytes(first);
  t.equal(own.buffer.byteLength, 3);
  t.equal(ownBytes(own), own);
  own.fill(9);
  t.strictSame([...first, ...second], [1, 2, 3, 4]);
});

void t.test('a slab cannot be transferred from under the others', async (t) => {
  const copy = slabCopy(new Uint8Array([1, 2, 3]), 0, 3);
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(copy, [copy.buffer as ArrayBuffer]);
  } catch (error) {
    // newer versions of Node refuse it, older ones send a copy
    t.match(error, { name: 'DataCloneError' });
  } finally {
    port1.close();
    port2.close();
  }
  t.strictSame([...copy], [1, 2, 3]);
});
