import t from 'tap';
import {
  PeerMemory,
  peerMemoryLimits,
  type PeerMemoryLimits,
} from '../../../src/coordinator/shell/peer-memory.js';
import { PeerStreams } from '../../../src/coordinator/shell/peer-streams.js';
import { DEFAULT_RECYCLE, type RecycleRule } from '../../../src/coordinator/shell/wear.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { FakeClock } from '../../support/fake-clock.js';
import { MemoryNetwork } from '../../support/memory-transport.js';
import { AGENT_HELLO, CLIENT_HELLO, Speaker } from '../../support/speaker.js';

const THRESHOLD = 1000;
const MIB = 1024 * 1024;

interface Options {
  readonly earlyData?: boolean;
  readonly recycle?: RecycleRule;
  readonly memory?: Partial<PeerMemoryLimits>;
  readonly onMessage?: (streams: PeerStreams) => void;
}

/** One connection in virtual time: what the peer says, and what the coordinator's side of it tells. */
function world({ earlyData = false, recycle = DEFAULT_RECYCLE, memory = {}, onMessage }: Options = {}) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  network.earlyData = earlyData;
  const told: string[] = [];
  const listener = network.listen('c:1');
  const shared = new PeerMemory({ ...peerMemoryLimits(MIB, THRESHOLD), ...memory });
  const accepted: PeerStreams[] = [];
  listener.onConnection((connection) => {
    const streams = new PeerStreams(
      connection,
      { maxMessageBytes: 64 * MIB, ownStreamThresholdBytes: THRESHOLD, recycle },
      shared,
      true,
      {
        opened: (early) => void told.push(early ? 'opened early' : 'opened'),
        established: () => void told.push('established'),
        message: (message, payload, early) => {
          told.push(`${early ? 'early ' : ''}${message.type} ${payload?.length ?? '-'}`);
          onMessage?.(streams);
        },
        laneOpened: () => void told.push('lane opened'),
        protocolError: (error) => void told.push(`${error.name}: ${error.message}`),
        closed: ({ by, code }) => void told.push(`closed by ${by} ${code}`),
      },
    );
    accepted.push(streams);
  });
  const peer = new Speaker(network.connector('c:1'));
  return {
    clock,
    told,
    peer,
    /** What was told since the last time. */
    news: () => {
      clock.advance(50);
      return told.splice(0);
    },
    link: () => {
      const [link] = network.links;
      if (link === undefined) throw new Error('no connection');
      return link;
    },
    streams: () => {
      const [streams] = accepted;
      if (streams === undefined) throw new Error('no connection');
      return streams;
    },
  };
}

const task = (taskId: string): MessageOf<'AgentTask'> => ({
  type: 'AgentTask',
  taskId,
  attempt: 1,
  epoch: 1,
  kind: 'compute',
  priority: 5,
  timeoutMs: 1000,
});

t.test('a connection is told of when it is established', (t) => {
  const { news, peer } = world();
  peer.control.send(CLIENT_HELLO);
  t.same(news(), ['opened', 'ClientHandshake -']);
  peer.connection.close(0, '');
  t.same(news(), ['closed by peer 0']);
  t.end();
});

t.test('early data: opened, the message marked, and established when it is', (t) => {
  const { news, peer } = world({ earlyData: true });
  peer.control.send(AGENT_HELLO);
  t.same(news(), ['opened early', 'early AgentHandshake -', 'established']);
  peer.control.send(AGENT_HELLO);
  t.same(news(), ['AgentHandshake -'], 'after the handshake nothing is early');
  t.end();
});

t.test('one that never said anything is not told of', (t) => {
  const { news, peer } = world({ earlyData: true });
  peer.connection.close(0, '');
  t.same(news(), []);
  t.end();
});

t.test('a stranger gets no second stream', (t) => {
  const { news, peer } = world();
  peer.control.send(CLIENT_HELLO);
  peer
    .open('bulk')
    .send({ type: 'SubmitTask', requestId: 1, kind: 'compute', watch: false }, new Uint8Array(9));
  t.same(news(), [
    'opened',
    'ClientHandshake -',
    'UNEXPECTED_MESSAGE: a stream beside control before the handshake was accepted',
  ]);
  t.end();
});

t.test('an agent opens its lanes; tasks for it wait until then', (t) => {
  const { news, peer, streams, clock } = world();
  peer.control.send(AGENT_HELLO);
  news();
  streams().admit('agent');
  streams().send('tasks-high', task('a'), new Uint8Array(3));
  clock.advance(50);
  const high = peer.open('tasks-high');
  t.same(news(), ['lane opened']);
  t.equal(high.of('AgentTask').length, 1);
  peer.open('tasks-normal');
  t.same(news(), ['lane opened']);
  peer.open('tasks-normal');
  t.match(news(), [/UNEXPECTED_MESSAGE: StreamOpen for tasks-normal/]);
  t.end();
});

t.test('after a close nothing is read, what was read before counts', (t) => {
  const { news, peer, streams } = world();
  peer.control.send(CLIENT_HELLO);
  news();
  streams().admit('client');
  peer.control.send({ type: 'QueryStatus', requestId: 1 });
  t.same(news(), ['QueryStatus -']);
  peer.control.send({ type: 'QueryStatus', requestId: 2 });
  streams().close('SESSION_REPLACED', 'the agent connected again');
  t.same(news(), [`closed by local ${ERRORS.SESSION_REPLACED.code}`]);
  streams().send(
    'control',
    { type: 'MessageAck', status: 'received', requestIds: [1], taskIds: ['x'] },
    null,
  );
  t.match(peer.closeInfo, { by: 'peer', code: ERRORS.SESSION_REPLACED.code });
  t.same(peer.control.heard, []);
  t.end();
});

t.test('of what came in one piece, nothing counts after the message that led to a close', (t) => {
  const { news, peer } = world({ onMessage: (streams) => streams.close('GOING_AWAY', 'enough') });
  peer.control.send(CLIENT_HELLO);
  peer.control.send({ type: 'QueryStatus', requestId: 1 });
  t.same(news(), ['opened', 'ClientHandshake -', `closed by local ${ERRORS.GOING_AWAY.code}`]);
  t.end();
});

t.test('intake: clients are not read while it is shut, those to come as well; agents are', (t) => {
  const client = world();
  client.peer.control.send(CLIENT_HELLO);
  client.news();
  client.streams().admit('client');
  client.streams().setIntake(false);
  client.peer.control.send({ type: 'QueryStatus', requestId: 1 });
  const own = client.peer.open('bulk');
  own.send({ type: 'SubmitTask', requestId: 2, kind: 'compute', watch: false }, new Uint8Array(5000));
  t.same(client.news(), []);
  client.streams().setIntake(true);
  t.same(client.news().sort(), ['QueryStatus -', 'SubmitTask 5000']);

  const late = world();
  late.clock.advance(50);
  late.streams().setIntake(false);
  late.peer.control.send(CLIENT_HELLO);
  t.same(late.news(), ['opened', 'ClientHandshake -'], 'who it is must be known first');
  late.streams().admit('client');
  late.peer.control.send({ type: 'QueryStatus', requestId: 1 });
  t.same(late.news(), []);

  const agent = world();
  agent.clock.advance(50);
  agent.streams().setIntake(false);
  agent.peer.control.send(AGENT_HELLO);
  agent.news();
  agent.streams().admit('agent');
  agent.peer.control.send({ type: 'DrainNotice', reason: '', deadlineMs: 1 });
  t.same(agent.news(), ['DrainNotice -']);
  t.end();
});

t.test('a client that does not read is cut off, and what waits for it is bounded', (t) => {
  const { news, peer, streams } = world({ memory: { unsentEach: 4 * MIB } });
  peer.control.send(CLIENT_HELLO);
  news();
  streams().admit('client');
  peer.control.channel.stream.pause();
  const result = new Uint8Array(MIB);
  const update: MessageOf<'TaskUpdate'> = {
    type: 'TaskUpdate',
    requestId: 1,
    task: {
      taskId: 't',
      kind: 'compute',
      state: 'completed',
      priority: 5,
      agentId: 'a',
      attempts: 1,
      submittedAt: 1,
      queuedMs: 1,
      runMs: 1,
      error: null,
      progress: null,
    },
  };
  let sent = 0;
  while (peer.closeInfo === null && sent < 50) {
    streams().send('control', update, result);
    sent++;
    news();
  }
  t.match(peer.closeInfo, { code: ERRORS.SLOW_READER.code, reason: /bytes wait unread/ });
  t.ok(sent <= 7, `${sent} MiB were sent: the bound, and a window of the transport`);
  t.end();
});

t.test('unfinished messages on many streams are bounded', (t) => {
  const { news, peer, streams } = world({ memory: { unfinishedEach: 3 * MIB } });
  peer.control.send(CLIENT_HELLO);
  news();
  streams().admit('client');
  const half = Buffer.alloc(MIB);
  half.writeUInt32BE(2 * MIB);
  const finished = peer.open('bulk');
  for (let i = 0; i < 20; i++) {
    finished.send(
      { type: 'SubmitTask', requestId: i, kind: 'compute', watch: false },
      new Uint8Array(MIB / 2),
    );
    t.equal(news().length, 1, 'those that are finished do not count');
  }
  for (let i = 0; i < 3; i++) {
    peer.open('bulk').channel.stream.write(half);
    t.same(news(), []);
  }
  peer.open('bulk').channel.stream.write(half);
  t.same(news(), [`closed by local ${ERRORS.TOO_MANY_REQUESTS.code}`]);
  t.match(peer.closeInfo, { reason: /unfinished messages/ });
  t.end();
});

t.test('large tasks go one after another, some megabytes ahead of the agent', (t) => {
  const { news, peer, streams } = world();
  peer.control.send(AGENT_HELLO);
  news();
  streams().admit('agent');
  peer.open('tasks-normal');
  const input = new Uint8Array(3 * MIB);
  for (let i = 0; i < 8; i++) streams().send('tasks-normal', task(`t${i}`), input);
  streams().send('control', { type: 'CancelTask', taskId: 't7', epoch: 1, reason: 'cancelled' }, null);
  for (let i = 0; i < 100; i++) news();
  t.same(
    peer.incoming.map((line) => line.of('AgentTask')[0]?.taskId),
    ['t0', 't1', 't2', 't3', 't4', 't5', 't6'],
  );
  t.ok(peer.incoming.every((line) => line.ended && line.heard[0]?.payload?.length === 3 * MIB));
  t.end();
});

t.test('an agent that takes no large tasks holds a few of them in memory, not all', (t) => {
  const { news, peer, streams, link } = world({ memory: { unsentEach: 10 * MIB } });
  peer.control.send(AGENT_HELLO);
  news();
  streams().admit('agent');
  peer.open('tasks-normal');
  news();
  const input = new Uint8Array(3 * MIB);
  link().stall();
  for (let i = 0; i < 20; i++) streams().send('tasks-normal', task(`t${i}`), input);
  t.same(news(), [], 'it is not cut off for what was never copied for it');
  const local = link().server.streams.filter((stream) => stream.local);
  t.ok(local.length >= 1 && local.length <= 3, `${local.length} of 20 were handed to the transport`);
  link().flow();
  for (let i = 0; i < 100; i++) news();
  t.equal(peer.incoming.filter((line) => line.ended).length, 20);
  t.end();
});

t.test('a connection far over its time is told to make place for a new one', (t) => {
  const { news, peer, streams } = world({ recycle: { streams: 100, bytes: 1e9 } });
  peer.control.send(CLIENT_HELLO);
  news();
  streams().admit('client');
  let opened = 0;
  while (peer.closeInfo === null && opened < 1000) {
    const line = peer.open('bulk');
    line.send({ type: 'QueryStatus', requestId: 1 });
    line.channel.end();
    opened++;
    news();
  }
  t.match(peer.closeInfo, { code: ERRORS.CONNECTION_RECYCLED.code, reason: /streams and .* bytes/ });
  t.ok(opened > 200 && opened < 600, `${opened} streams: twice the rule, and a check now and then`);
  t.end();
});
