import t from 'tap';
import { MessageChannel, type ChannelHandler } from '../../src/protocol/channel.js';
import { encodeFrame } from '../../src/protocol/envelope.js';
import type { ProtocolError } from '../../src/protocol/errors.js';
import type { Message } from '../../src/protocol/messages.js';
import type { StreamHandler, TransportConnection, TransportStream } from '../../src/transport/transport.js';

/** A stream that keeps what is written; the test plays the transport. */
class FakeStream implements TransportStream {
  readonly id = 0;
  readonly local = true;
  readonly bufferedBytes = 0;
  readonly written: Buffer[] = [];
  handler: StreamHandler | null = null;
  ready = true;
  ended = false;
  setHandler(handler: StreamHandler): void {
    this.handler = handler;
  }
  writeLater(bytes: Uint8Array): boolean {
    return this.write(bytes);
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes));
    return this.ready;
  }
  end(): void {
    this.ended = true;
  }
  reset(): void {}
  stop(): void {}
  pause(): void {}
  resume(): void {}
  setPriority(): void {}
}

function open(overrides: Partial<ChannelHandler> = {}, maxMessageBytes = 1_000_000) {
  const stream = new FakeStream();
  const messages: Message[] = [];
  const errors: ProtocolError[] = [];
  const calls: string[] = [];
  const handler: ChannelHandler = {
    onMessage: (message) => messages.push(message),
    onProtocolError: (error) => errors.push(error),
    onDrain: () => calls.push('drain'),
    onEnd: () => calls.push('end'),
    onReset: (code) => calls.push(`reset ${code}`),
    onStopped: (code) => calls.push(`stopped ${code}`),
    onClosed: () => calls.push('closed'),
    ...overrides,
  };
  const channel = new MessageChannel(stream, { maxMessageBytes, handler });
  const receive = (...frames: Uint8Array[]) => stream.handler?.onData(Buffer.concat(frames));
  return { stream, channel, messages, errors, calls, receive };
}

const query = (requestId: number): Message => ({ type: 'QueryStatus', requestId });
const frameOf = (message: Message, payload: Uint8Array | null = null) =>
  Buffer.from(encodeFrame(message, payload));
const task: Message = {
  type: 'AgentTask',
  taskId: 't',
  attempt: 1,
  epoch: 1,
  kind: 'compute',
  priority: 0,
  timeoutMs: 1,
};

t.test('messages pass from one channel to another', (t) => {
  const sender = open();
  const payloads: (string | null)[] = [];
  const receiver = open({
    onMessage: (_, payload) => payloads.push(payload && Buffer.from(payload).toString('latin1')),
  });
  const large = new Uint8Array(100_000).fill(65);
  t.equal(sender.channel.send(query(1)), true);
  sender.channel.send(task, Buffer.from('small'));
  sender.channel.send(task, large);
  sender.channel.end();
  t.ok(sender.stream.ended);
  receiver.receive(...sender.stream.written);
  t.strictSame(payloads, [null, 'small', 'A'.repeat(100_000)]);
  t.strictSame(
    { ...receiver.channel.counters },
    { framesIn: 3, framesOut: 0, bytesIn: Buffer.concat(sender.stream.written).length, bytesOut: 0 },
  );
  t.equal(sender.channel.counters.framesOut, 3);
  t.equal(sender.channel.counters.bytesOut, receiver.channel.counters.bytesIn);
  t.end();
});

t.test('backpressure and the ends of the stream are passed on', (t) => {
  const { stream, channel, calls } = open();
  stream.ready = false;
  t.equal(channel.send(query(1)), false);
  t.equal(channel.send(task, new Uint8Array(50_000)), false);
  stream.handler?.onDrain();
  stream.handler?.onStopped(5);
  stream.handler?.onEnd();
  stream.handler?.onReset(6);
  stream.handler?.onClosed();
  t.strictSame(calls, ['drain', 'stopped 5', 'end', 'reset 6', 'closed']);
  t.end();
});

t.test('a refused message does not stop the next', (t) => {
  const { errors, messages, receive } = open();
  const broken = frameOf(query(1));
  broken[4] = 0xc1;
  receive(broken, frameOf(query(2)));
  t.match(errors, [{ name: 'BAD_MESSAGEPACK', fatal: false }]);
  t.match(messages, [{ requestId: 2 }]);
  t.end();
});

t.test('lost boundaries stop the reading for good', (t) => {
  const { channel, errors, messages, receive } = open();
  receive(frameOf(query(1)), Buffer.alloc(4), frameOf(query(2)));
  receive(frameOf(query(3)));
  t.match(messages, [{ requestId: 1 }]);
  t.match(errors, [{ name: 'PROTOCOL_ERROR', fatal: true }]);
  t.equal(errors.length, 1);
  t.equal(channel.reading, false);
  t.end();
});

t.test('the end inside a frame is a fault, a reset is not', (t) => {
  const ended = open();
  ended.receive(frameOf(query(1)).subarray(0, 7));
  ended.stream.handler?.onEnd();
  t.match(ended.errors, [{ name: 'PROTOCOL_ERROR', fatal: true }]);
  t.strictSame(ended.calls, ['end']);
  const reset = open();
  reset.receive(frameOf(query(1)).subarray(0, 7));
  reset.stream.handler?.onReset(1);
  t.strictSame(reset.errors, []);
  t.end();
});

t.test('the limit before the handshake is lifted by its handler', (t) => {
  const { channel, messages, errors, receive } = open(
    {
      onMessage: (message) => {
        messages.push(message);
        channel.setMaxMessageBytes(1_000_000);
      },
    },
    64,
  );
  receive(frameOf(query(1)), frameOf(task, new Uint8Array(10_000)));
  t.equal(messages.length, 2);
  t.strictSame(errors, []);
  const strict = open({}, 64);
  strict.receive(frameOf(task, new Uint8Array(10_000)));
  t.match(strict.errors, [{ name: 'FRAME_TOO_LARGE' }]);
  t.end();
});

t.test('stopReading drops the rest of the chunk', (t) => {
  const { channel, messages, receive } = open({
    onMessage: (message) => {
      messages.push(message);
      channel.stopReading();
    },
  });
  receive(frameOf(query(1)), frameOf(query(2)));
  t.match(messages, [{ requestId: 1 }]);
  t.equal(messages.length, 1);
  t.end();
});

t.test('what the peer would refuse is not sent', (t) => {
  const { stream, channel } = open();
  channel.setMaxSendBytes(1000);
  t.throws(() => channel.send(task, new Uint8Array(1000)), {
    name: 'PAYLOAD_TOO_LARGE',
    taskId: 't',
    fatal: false,
  });
  t.throws(() => channel.send(task, new Uint8Array(10_000)), { name: 'PAYLOAD_TOO_LARGE' });
  t.equal(stream.written.length, 0);
  t.equal(channel.counters.framesOut, 0);
  t.equal(channel.send(task, new Uint8Array(800)), true);
  t.end();
});

t.test('errors of the handler are not taken for those of the peer', (t) => {
  const { errors, receive } = open({
    onMessage: () => {
      throw new TypeError('a bug');
    },
  });
  t.throws(() => receive(frameOf(query(1))), { message: 'a bug' });
  t.strictSame(errors, []);
  t.end();
});

t.test('opens a stream of a connection, also of one that is gone', (t) => {
  const stream = new FakeStream();
  const connection: TransportConnection = {
    id: 'c',
    state: 'established',
    remoteAddress: '127.0.0.1:1',
    silentMs: 0,
    setHandler: () => undefined,
    openStream: (handler) => {
      if (gone) handler.onClosed();
      return stream;
    },
    close: () => undefined,
    stats: () => {
      throw new Error('not asked for');
    },
    peerCertificate: () => null,
  };
  let gone = false;
  let closed = 0;
  const options = {
    maxMessageBytes: 100,
    handler: { onMessage: () => undefined, onProtocolError: () => undefined, onClosed: () => closed++ },
  };
  const channel = MessageChannel.open(connection, options);
  t.equal(stream.handler, channel);
  t.equal(closed, 0);
  gone = true;
  MessageChannel.open(connection, options);
  t.equal(closed, 1);
  t.end();
});
