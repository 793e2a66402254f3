import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { freeMemory } from '../../src/transport/free-memory.js';

t.test('memory that is given back is outside the heap no longer', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = new Uint8Array(64 * 1024 * 1024);
  t.ok(process.memoryUsage().arrayBuffers - before >= 64 * 1024 * 1024);
  freeMemory(bytes);
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
  t.equal(bytes.length, 0);
  freeMemory(bytes);
});

t.test('a buffer that others look into stays', async (t) => {
  const buffer = new ArrayBuffer(8);
  freeMemory(new Uint8Array(buffer, 0, 4));
  t.equal(buffer.byteLength, 8);
});

t.test('a datagram of the system is alone in its buffer', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  await once(socket, 'listening');
  const { port } = socket.address();
  for (const length of [1, 100, 16_384]) {
    const message = once(socket, 'message');
    socket.send(Buffer.alloc(length), port, '127.0.0.1');
    const [datagram] = (await message) as [Buffer];
    t.equal(datagram.length, length);
    t.equal(datagram.buffer.byteLength, length);
  }
});
