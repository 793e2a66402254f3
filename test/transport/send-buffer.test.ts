import fc from 'fast-check';
import t from 'tap';
import { SendBuffer } from '../../src/transport/send-buffer.js';

t.test('what goes in comes out, in order, however it is taken', async () => {
  const step = fc.oneof(
    fc.record({ append: fc.uint8Array({ maxLength: 5000 }) }),
    fc.record({ consume: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new SendBuffer();
      let model = Buffer.alloc(0);
      for (const each of steps) {
        if ('append' in each) {
          buffer.append(each.append);
          model = Buffer.concat([model, each.append]);
        } else {
          const count = Math.floor(each.consume * model.length);
          buffer.consume(count);
          model = model.subarray(count);
        }
        if (buffer.length !== model.length || !model.equals(buffer.pending())) return false;
      }
      buffer.clear();
      return buffer.length === 0;
    }),
  );
});

t.test('a buffer that was large once goes with the next small use; one in use stays', async (t) => {
  const buffer = new SendBuffer();
  const use = (bytes: number) => {
    buffer.append(new Uint8Array(bytes));
    buffer.consume(bytes);
    return buffer.pending().buffer.byteLength;
  };
  const large = use(4 * 1024 * 1024);
  t.ok(large >= 4 * 1024 * 1024);
  t.equal(use(2 * 1024 * 1024), large);
  t.equal(use(100), 0);
});
