import fc from 'fast-check';
import t from 'tap';
import { FrameDecoder, writeLength } from '../../src/protocol/frame.js';
import { cut } from './arbitraries.js';

const LIMIT = 1_000_000;

function frame(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  writeLength(bytes, 0, body.length);
  bytes.set(body, 4);
  return bytes;
}

/** Pushes the chunks through one buffer that is overwritten each time, as the transport does. */
function decode(
  chunks: readonly Uint8Array[],
  decoder = new FrameDecoder({ maxMessageBytes: LIMIT }),
): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  const shared = new Uint8Array(Math.max(...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    shared.fill(0xee);
    shared.set(chunk);
    decoder.push(shared.subarray(0, chunk.length), (bytes, start, end) =>
      bodies.push(bytes.slice(start, end)),
    );
  }
  return bodies;
}

t.test('any split of the stream gives the same frames', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000, size: 'max' }), {
        minLength: 1,
        maxLength: 10,
      }),
      fc.array(fc.nat(), { maxLength: 40 }),
      (bodies, places) => {
        const decoder = new FrameDecoder({ maxMessageBytes: LIMIT });
        const found = decode(cut(Buffer.concat(bodies.map(frame)), places), decoder);
        return (
          decoder.bufferedBytes === 0 &&
          Buffer.concat(found).equals(Buffer.concat(bodies)) &&
          found.length === bodies.length
        );
      },
    ),
  );
  t.end();
});

t.test('byte by byte, and several frames in one chunk', (t) => {
  const bodies = [Uint8Array.of(1), new Uint8Array(300).fill(2), Uint8Array.of(3, 4)];
  const stream = Buffer.concat(bodies.map(frame));
  t.same(decode(Array.from(stream, (byte) => Uint8Array.of(byte))), bodies);
  t.same(decode([stream]), bodies);
  t.end();
});

t.test('a frame that lies whole in the chunk is not copied', (t) => {
  const chunk = Buffer.concat([frame(Uint8Array.of(7, 8)), frame(Uint8Array.of(9))]);
  const bodies: Uint8Array[] = [];
  new FrameDecoder({ maxMessageBytes: 10 }).push(chunk, (bytes, start, end) =>
    bodies.push(bytes.subarray(start, end)),
  );
  t.same(
    bodies.map((body) => Array.from(body)),
    [[7, 8], [9]],
  );
  t.ok(bodies.every((body) => body.buffer === chunk.buffer));
  t.end();
});

t.test('memory follows what arrived, not what was claimed', (t) => {
  const decoder = new FrameDecoder({ maxMessageBytes: 4_000_000_000 });
  const before = process.memoryUsage().arrayBuffers;
  decoder.push(Uint8Array.of(0xee, 0, 0, 0, 1, 2, 3), () => t.fail('no frame is complete'));
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  t.equal(decoder.bufferedBytes, 7);
  t.end();
});

t.test('lengths that lose the boundaries', (t) => {
  const expect = (chunks: Uint8Array[], name: string) => {
    const decoder = new FrameDecoder({ maxMessageBytes: 1000 });
    const bodies: number[] = [];
    const push = () => {
      for (const chunk of chunks) decoder.push(chunk, (_, start, end) => bodies.push(end - start));
    };
    t.throws(push, { name, fatal: true });
    t.throws(() => decoder.push(frame(Uint8Array.of(1)), () => t.fail('nothing is read after a failure')), {
      name,
    });
    t.equal(decoder.bufferedBytes, 0);
    return bodies;
  };
  t.same(expect([Uint8Array.of(0, 0, 0, 0)], 'PROTOCOL_ERROR'), []);
  t.same(expect([Uint8Array.of(0, 0, 3, 0xe9)], 'FRAME_TOO_LARGE'), []);
  t.same(
    expect([Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0xff)], 'FRAME_TOO_LARGE'),
    [],
  );
  t.same(
    expect([Buffer.concat([frame(new Uint8Array(1000)), Uint8Array.of(0, 0, 0, 0)])], 'PROTOCOL_ERROR'),
    [1000],
  );
  t.end();
});

t.test('the limit can change between frames, also from within a frame', (t) => {
  const decoder = new FrameDecoder({ maxMessageBytes: 2 });
  const sizes: number[] = [];
  const chunk = Buffer.concat([frame(new Uint8Array(2)), frame(new Uint8Array(100))]);
  decoder.push(chunk, (_, start, end) => {
    sizes.push(end - start);
    decoder.setMaxMessageBytes(100);
  });
  t.same(sizes, [2, 100]);
  t.throws(() => decoder.push(frame(new Uint8Array(101)), () => t.fail('too long')), {
    name: 'FRAME_TOO_LARGE',
  });
  t.end();
});

t.test('a frame of some megabytes in small pieces', (t) => {
  const body = new Uint8Array(3_000_000).map((_, index) => index % 251);
  const stream = frame(body);
  const pieces = Array.from({ length: Math.ceil(stream.length / 1350) }, (_, i) =>
    stream.subarray(i * 1350, (i + 1) * 1350),
  );
  const decoder = new FrameDecoder({ maxMessageBytes: 3_000_000 });
  const [found, ...others] = decode(pieces, decoder);
  t.ok(found !== undefined && Buffer.from(found).equals(body));
  t.equal(others.length, 0);
  t.equal(decoder.bufferedBytes, 0);
  t.end();
});
