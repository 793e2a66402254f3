import t, { type Test } from 'tap';
import { Coordinator, type CoordinatorOptions } from '../../../src/coordinator/coordinator.js';
import { peerMemoryLimits } from '../../../src/coordinator/shell/peer-memory.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { encodeValue } from '../../../src/protocol/value.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { createQuicConnector, listenQuic } from '../../../src/transport/index.js';
import { testCertificates } from '../../support/certificates.js';
import { HeldStore } from '../../support/held-store.js';
import { MemoryNetwork } from '../../support/memory-network.js';
import { AGENT_HELLO, CLIENT_HELLO, Speaker } from '../../support/speaker.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ADDRESS = '127.0.0.1:5000';
const CONNECTION_WINDOW_BYTES = MIB;

/** A coordinator behind the real transport, over a network in memory and a store that can be held. */
async function world(t: Test, options: Partial<CoordinatorOptions> = {}) {
  const certificates = await testCertificates();
  const network = new MemoryNetwork();
  const windows = { streamWindowBytes: 256 * KIB, connectionWindowBytes: CONNECTION_WINDOW_BYTES };
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    tls: certificates.server,
    socket: network.open('127.0.0.1', 5000),
    ...windows,
  });
  const connector = createQuicConnector({
    tls: { ca: certificates.ca },
    openPort: () => Promise.resolve(network.open()),
    ...windows,
  });
  const store = new HeldStore(new MemoryStore());
  const logged: string[] = [];
  const log = (_fields: object, message: string) => void logged.push(message);
  const coordinator = new Coordinator({
    listener,
    store,
    log: { debug: log, info: log, warn: log, error: log },
    ...options,
  });
  await coordinator.start();
  t.teardown(async () => {
    await connector.close();
    await coordinator.close();
    network.close();
  });
  const connect = async () => {
    const speaker = new Speaker(connector.connect(ADDRESS));
    await speaker.established;
    return speaker;
  };
  return {
    network,
    store,
    logged,
    client: async () => {
      const speaker = await connect();
      speaker.control.send(CLIENT_HELLO);
      await speaker.control.next('ClientAck');
      return speaker;
    },
    agent: async () => {
      const speaker = await connect();
      speaker.control.send(AGENT_HELLO);
      await speaker.control.next('AgentAck');
      return { speaker, lane: speaker.open('tasks-normal') };
    },
    connect,
    /** Resolves once nothing moves any more between anybody. */
    quiet: async () => {
      let still = 0;
      while (still < 30) {
        const before = network.sent;
        await new Promise((resolve) => setImmediate(resolve));
        still = network.sent === before ? still + 1 : 0;
      }
    },
  };
}

const INPUT = encodeValue({ function: 'echo', input: new Uint8Array(8 * KIB) });

/** Submits as fast as its stream takes it, up to `most` bytes: `written` says how much. */
class Flood {
  written = 0;
  requestId = 1;

  constructor(
    private readonly speaker: Speaker,
    private readonly most: number,
  ) {}

  push(): void {
    const { control } = this.speaker;
    while (this.written < this.most && control.channel.stream.bufferedBytes < 64 * KIB) {
      control.send({ type: 'SubmitTask', requestId: this.requestId++, kind: 'compute', watch: false }, INPUT);
      this.written += INPUT.length;
    }
  }
}

t.test(
  'a flood of submits while the disk is slow stops at the senders, and goes on afterwards',
  async (t) => {
    const maxBacklogBytes = 4 * MIB;
    const w = await world(t, { maxBacklogBytes });
    const clients = await Promise.all([w.client(), w.client(), w.client(), w.client()]);
    const each = 8 * MIB;
    const floods = clients.map((client) => new Flood(client, each));
    const sum = () => floods.reduce((all, flood) => all + flood.written, 0);
    w.store.hold();
    for (let before = -1; before < sum();) {
      before = sum();
      for (const flood of floods) flood.push();
      await w.quiet();
    }
    const written = sum();
    // The backlog, what is in one piece already read, and for each client a window of the transport and its own buffer.
    const bound = maxBacklogBytes + clients.length * (256 * KIB + CONNECTION_WINDOW_BYTES + 2 * 64 * KIB);
    t.ok(written > maxBacklogBytes, `${written} bytes were taken from the senders`);
    t.ok(written < bound, `${written} of ${bound} bytes`);
    t.equal(w.logged.filter((line) => line === 'clients wait for the store').length, 1);

    w.store.release();
    const total = clients.length * each;
    while (w.store.bytesCommitted < total) {
      for (const flood of floods) flood.push();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await w.quiet();
    t.same(
      clients.map(({ closeInfo }) => closeInfo),
      [null, null, null, null],
    );
    const acknowledged = clients.map(({ control }) =>
      control.of('MessageAck').reduce((all, { requestIds }) => all + requestIds.length, 0),
    );
    t.same(
      acknowledged,
      floods.map(({ requestId }) => requestId - 1),
      'each once',
    );
  },
);

t.test('a stranger can make nobody hold more than one short message and a window', async (t) => {
  const w = await world(t);
  const stranger = await w.connect();
  const frame = Buffer.alloc(600 * KIB);
  frame.writeUInt32BE(512 * KIB);
  stranger.control.channel.stream.write(frame.subarray(0, 400 * KIB));
  await w.quiet();
  t.equal(stranger.closeInfo, null);
  stranger.open('bulk').channel.stream.write(frame);
  t.match(await stranger.closed, { by: 'peer', code: ERRORS.UNEXPECTED_MESSAGE.code });
  const other = await w.connect();
  frame.writeUInt32BE(512 * KIB + 1);
  other.control.channel.stream.write(frame);
  t.match(await other.closed, { by: 'peer', code: ERRORS.FRAME_TOO_LARGE.code });
});

t.test('half messages on many streams, of a client and of an agent, are bounded', async (t) => {
  const limits = { ...peerMemoryLimits(MIB, 64 * KIB), unfinishedEach: 4 * MIB };
  const w = await world(t, { peerMemory: limits });
  const half = Buffer.alloc(512 * KIB);
  half.writeUInt32BE(MIB);
  const client = await w.client();
  const { speaker: agent } = await w.agent();
  for (const peer of [client, agent]) {
    for (let i = 0; i < 40; i++) peer.open('bulk').channel.stream.write(half);
    t.match(await peer.closed, {
      by: 'peer',
      code: ERRORS.TOO_MANY_REQUESTS.code,
      reason: /unfinished messages, of at most 4194304 for one peer/,
    });
  }
  const unharmed = await w.client();
  unharmed.control.send({ type: 'QueryStatus', requestId: 1 });
  await unharmed.control.next('StatusReport');
});

t.test('a client that does not read its results is cut off; others notice nothing', async (t) => {
  const limits = { ...peerMemoryLimits(MIB, 64 * KIB), unsentEach: 2 * MIB };
  const w = await world(t, { peerMemory: limits });
  const { lane } = await w.agent();
  const slow = await w.client();
  const quick = await w.client();
  const result = encodeValue(new Uint8Array(32 * KIB));
  slow.control.channel.stream.pause();
  let ended = 0;
  const work = async () => {
    const { taskId, attempt, epoch } = await lane.next('AgentTask');
    lane.send({ type: 'TaskCompletion', taskId, attempt, epoch, outcome: 'completed', runMs: 1 }, result);
    ended++;
  };
  const input = encodeValue({ function: 'echo', input: null });
  const submit = { type: 'SubmitTask', kind: 'compute', watch: true } as const;
  for (let i = 1; i <= 200 && slow.closeInfo === null; i++) {
    slow.control.send({ ...submit, requestId: i }, input);
    await work();
    quick.control.send({ ...submit, requestId: i }, input);
    await work();
    await quick.control.next('TaskUpdate');
  }
  t.match(await slow.closed, { by: 'peer', code: ERRORS.SLOW_READER.code, reason: /wait unread/ });
  // Half of the ended tasks were its own.
  const bytes = (ended / 2) * result.length;
  t.ok(bytes < 2 * MIB + 2 * CONNECTION_WINDOW_BYTES, `${bytes} bytes were sent to it`);
  t.equal(quick.closeInfo, null);
});

t.test('an agent that does not read gets no more than its credit', async (t) => {
  const w = await world(t);
  const { speaker, lane } = await w.agent();
  lane.channel.stream.pause();
  const client = await w.client();
  const input = encodeValue({ function: 'echo', input: new Uint8Array(300 * KIB) });
  const many = 50;
  for (let requestId = 1; requestId <= many; requestId++) {
    client.control.send({ type: 'SubmitTask', requestId, kind: 'compute', watch: false }, input);
  }
  let received = 0;
  while (received < many) received += (await client.control.next('MessageAck')).requestIds.length;
  await w.quiet();
  t.equal(speaker.incoming.length, AGENT_HELLO.concurrency, 'large tasks, each on a stream of its own');
  t.equal(speaker.closeInfo, null, 'and it is not cut off for being slow');
});
