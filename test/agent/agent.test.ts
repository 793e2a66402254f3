import t from 'tap';
import { Agent, type AgentOptions, type StopInfo } from '../../src/agent/agent.js';
import type { RunOutcome } from '../../src/agent/outcome.js';
import type { RunListener, RunRequest, TaskRunner } from '../../src/agent/runner.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { kindsOfAgent } from '../../src/tasks/registry.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import { ScriptedCoordinator, type Received, type ScriptedPeer } from '../support/scripted-coordinator.js';

const THRESHOLD = 1000;

/** Runs nothing: the test says when and how each run ends. */
class FakeRunner implements TaskRunner {
  readonly ownKinds = ['my-kind'];
  readonly runs: { request: RunRequest; listener: RunListener; asked: string[] }[] = [];
  start(request: RunRequest, listener: RunListener) {
    const asked: string[] = [];
    this.runs.push({ request, listener, asked });
    return { abort: () => void asked.push('abort'), terminate: () => void asked.push('terminate') };
  }
  run(index: number) {
    const run = this.runs[index];
    if (run === undefined) throw new Error(`no run ${index}`);
    return run;
  }
  finish(index: number, payload: Uint8Array = Uint8Array.of(0x2a)): void {
    this.run(index).listener.finished({ outcome: 'completed', runMs: 5, payload, summary: null });
  }
}

function ack(fields: Partial<MessageOf<'AgentAck'>> = {}): MessageOf<'AgentAck'> {
  return {
    type: 'AgentAck',
    protocolVersion: 1,
    coordinatorId: 'c1',
    sessionToken: 'token-1',
    resumed: false,
    assignedStreams: [
      { purpose: 'control', priority: 0 },
      { purpose: 'tasks-high', priority: 1 },
      { purpose: 'tasks-normal', priority: 3 },
      { purpose: 'bulk', priority: 6 },
    ],
    configuration: {
      heartbeatIntervalMs: 1000,
      sessionGraceMs: 60_000,
      maxMessageBytes: 100_000,
      ownStreamThresholdBytes: THRESHOLD,
    },
    abortedTasks: [],
    ...fields,
  };
}

const accepts = (peer: ScriptedPeer, { message }: Received) => {
  if (message.type === 'AgentHandshake') peer.send(ack({ resumed: message.sessionToken !== undefined }));
};
const agentTask = (taskId: string, epoch = 1): MessageOf<'AgentTask'> => ({
  type: 'AgentTask',
  taskId,
  attempt: 1,
  epoch,
  kind: 'compute',
  priority: 5,
  timeoutMs: 60_000,
});
const acknowledge = (peer: ScriptedPeer, ...taskIds: string[]) =>
  peer.send({ type: 'MessageAck', status: 'processed', requestIds: [], taskIds });

function world(options: Partial<AgentOptions> = {}, script = accepts) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const coordinator = new ScriptedCoordinator(network, 'c:1', script);
  const runner = new FakeRunner();
  const events: string[] = [];
  const agent = new Agent({
    agentId: 'agent-1',
    agentType: 'worker',
    concurrency: 2,
    addresses: ['c:1'],
    connector: network.connector,
    runner,
    clock,
    random: () => 0.5,
    facts: () => ({ load: 0.25, memoryBytes: 1024 }),
    ...options,
  });
  agent.on('registered', ({ resumed }) => void events.push(resumed ? 'resumed' : 'registered'));
  agent.on('disconnected', () => void events.push('disconnected'));
  let stopped: StopInfo | null = null;
  agent.on('stopped', (info) => (stopped = info));
  agent.start();
  clock.advance(20);
  return {
    clock,
    network,
    coordinator,
    runner,
    events,
    agent,
    stopped: () => stopped,
    link: () => network.links.at(-1),
    /** Streams as the agent opened them: 0 control, 1 tasks-high, 2 tasks-normal. */
    give: (taskId: string, lane = 2, payload = Uint8Array.of(0xc0)) => {
      coordinator.peer.channel(lane).send(agentTask(taskId), payload);
      clock.advance(5);
    },
  };
}

t.test('registers: handshake on control, then the assigned streams with their priorities', (t) => {
  const { coordinator, events, agent } = world({ joinToken: 'secret', software: 'test 1' });
  const { peer } = coordinator;
  t.same(peer.of('AgentHandshake'), [
    {
      type: 'AgentHandshake',
      protocolVersions: [1],
      agentId: 'agent-1',
      agentType: 'worker',
      kinds: [...kindsOfAgent('worker'), 'my-kind'],
      concurrency: 2,
      software: 'test 1',
      joinToken: 'secret',
    },
  ]);
  t.same(
    peer.received
      .slice(1)
      .filter(({ stream }) => stream !== 0)
      .map(({ message, stream }) => [stream, message]),
    [
      [1, { type: 'StreamOpen', purpose: 'tasks-high' }],
      [2, { type: 'StreamOpen', purpose: 'tasks-normal' }],
    ],
  );
  t.same(
    [0, 1, 2].map((stream) => peer.priorityOf(stream)),
    [0, 1, 3],
  );
  t.same(events, ['registered']);
  void agent.close();
  t.end();
});

t.test('runs a task and answers on the lane it came from', (t) => {
  const { coordinator, runner, clock, give, agent } = world();
  give('t1', 1, Uint8Array.of(1, 2, 3));
  t.same(runner.run(0).request, { taskId: 't1', kind: 'compute', payload: Uint8Array.of(1, 2, 3) });
  runner.run(0).listener.progress(0.5, 'half');
  runner.finish(0, Uint8Array.of(9));
  clock.advance(5);
  const { peer } = coordinator;
  t.same(peer.of('TaskProgress'), [
    { type: 'TaskProgress', taskId: 't1', epoch: 1, fraction: 0.5, note: 'half' },
  ]);
  t.match(peer.received.at(-1), {
    stream: 1,
    payload: Uint8Array.of(9),
    message: { type: 'TaskCompletion', taskId: 't1', attempt: 1, epoch: 1, outcome: 'completed', runMs: 5 },
  });
  void agent.close();
  t.end();
});

t.test('a task on a stream of its own is answered there; its reset cancels', (t) => {
  const { coordinator, runner, clock, agent } = world();
  const { peer } = coordinator;
  const big = new Uint8Array(5000).fill(7);
  for (const taskId of ['t1', 't2']) {
    const channel = peer.open();
    channel.send(agentTask(taskId), big);
    channel.end();
  }
  clock.advance(5);
  t.same(runner.run(0).request.payload, big);
  runner.finish(0, big);
  peer.channel(4).stream.stop(ERRORS.TASK_CANCELLED.code);
  clock.advance(5);
  t.same(runner.run(1).asked, ['abort']);
  runner.run(1).listener.finished({ outcome: 'aborted', runMs: 1 });
  clock.advance(5);
  t.match(
    peer.received.slice(-2).map(({ message, stream }) => [stream, message]),
    [
      [3, { type: 'TaskCompletion', taskId: 't1', outcome: 'completed' }],
      [1, { type: 'TaskCompletion', taskId: 't2', outcome: 'cancelled' }],
    ],
  );
  t.ok(peer.ended.has(3));
  void agent.close();
  t.end();
});

t.test('a task on a stream of its own that is faster than AgentAck is not lost', (t) => {
  let acknowledge: () => void = () => undefined;
  const { runner, clock, coordinator, agent } = world({}, (peer, received) => {
    if (received.message.type !== 'AgentHandshake') return;
    const channel = peer.open();
    channel.send(agentTask('early'), Uint8Array.of(1, 2));
    channel.end();
    acknowledge = () => accepts(peer, received);
  });
  t.equal(runner.runs.length, 0);
  acknowledge();
  clock.advance(5);
  t.same(runner.run(0).request.payload, Uint8Array.of(1, 2));
  runner.finish(0);
  clock.advance(5);
  t.match(coordinator.peer.of('TaskCompletion'), [{ taskId: 'early' }]);
  void agent.close();
  t.end();
});

t.test('a large result of a lane task gets a stream of its own', (t) => {
  const { coordinator, runner, clock, give, agent } = world();
  give('t1');
  runner.finish(0, new Uint8Array(THRESHOLD + 1));
  clock.advance(5);
  const { peer } = coordinator;
  t.match(
    peer.received.slice(-2).map(({ message, stream }) => [stream, message]),
    [
      [3, { type: 'StreamOpen', purpose: 'bulk' }],
      [3, { type: 'TaskCompletion', taskId: 't1' }],
    ],
  );
  t.equal(peer.priorityOf(3), 6);
  t.ok(peer.ended.has(3));
  void agent.close();
  t.end();
});

t.test('heartbeats say how busy the agent is', (t) => {
  const { coordinator, clock, give, agent } = world();
  give('t1');
  give('t2');
  give('t3');
  clock.advance(1000);
  t.match(coordinator.peer.of('HeartbeatMessage'), [
    { sequence: 1, load: 0.25, memoryBytes: 1024 },
    { sequence: 2, load: 0.25, memoryBytes: 1024, activeTasks: 2, queuedTasks: 1 },
  ]);
  void agent.close();
  t.end();
});

t.test(
  'a lost connection: goes on working, resumes with its leases, hands over what it finished meanwhile',
  (t) => {
    const { coordinator, runner, clock, network, give, events, agent, link } = world();
    give('done');
    give('running');
    link()?.cut();
    clock.advance(1);
    runner.finish(0);
    t.equal(runner.run(1).asked.length, 0);
    clock.advance(1000);
    t.equal(network.links.length, 2);
    t.same(events, ['registered', 'disconnected', 'resumed']);
    const { peer } = coordinator;
    t.match(peer.of('AgentHandshake'), [
      {
        sessionToken: 'token-1',
        leases: [
          { taskId: 'done', attempt: 1, epoch: 1 },
          { taskId: 'running', attempt: 1, epoch: 1 },
        ],
      },
    ]);
    t.match(peer.of('TaskCompletion'), [{ taskId: 'done' }]);
    acknowledge(peer, 'done');
    clock.advance(5);
    link()?.cut();
    clock.advance(1000);
    t.same(coordinator.peer.of('TaskCompletion'), [], 'acknowledged: not sent again');
    t.match(coordinator.peer.of('AgentHandshake'), [{ leases: [{ taskId: 'running' }] }]);
    void agent.close();
    t.end();
  },
);

t.test('a task of a lost connection is answered on a lane, never on the stream of another task', (t) => {
  const { coordinator, runner, clock, agent, link } = world();
  const giveOwn = (taskId: string) => {
    const channel = coordinator.peer.open();
    channel.send(agentTask(taskId), Uint8Array.of(0xc0));
    channel.end();
    clock.advance(5);
  };
  giveOwn('old');
  link()?.cut();
  clock.advance(1000);
  giveOwn('new');
  runner.finish(0);
  clock.advance(5);
  runner.finish(1);
  clock.advance(5);
  t.match(
    coordinator.peer.received.slice(-2).map(({ message, stream }) => [stream, message]),
    [
      [1, { type: 'TaskCompletion', taskId: 'old' }],
      [3, { type: 'TaskCompletion', taskId: 'new' }],
    ],
  );
  void agent.close();
  t.end();
});

t.test('a silent coordinator is left after four heartbeats, and found again', (t) => {
  const { clock, network, events, link, agent } = world();
  link()?.stall();
  clock.advance(4100);
  t.same(events, ['registered', 'disconnected', 'resumed']);
  t.equal(network.links.length, 2);
  void agent.close();
  t.end();
});

t.test('cancellation, a stale lease and an overlong cancellation', (t) => {
  const { coordinator, runner, clock, give, agent } = world({ abortGraceMs: 500 });
  const { peer } = coordinator;
  give('t1');
  give('t2');
  peer.send({ type: 'CancelTask', taskId: 't1', epoch: 1, reason: 'timeout' });
  const { code } = ERRORS.STALE_LEASE;
  peer.send({ type: 'ErrorReport', code, name: 'STALE_LEASE', message: 'over', taskId: 't2' });
  clock.advance(100);
  t.same(runner.run(0).asked, ['abort']);
  t.same(runner.run(1).asked, ['abort']);
  clock.advance(500);
  t.same(runner.run(0).asked, ['abort', 'terminate']);
  const aborted: RunOutcome = { outcome: 'aborted', runMs: 600 };
  runner.run(0).listener.finished(aborted);
  runner.run(1).listener.finished(aborted);
  clock.advance(5);
  t.match(peer.of('TaskCompletion'), [{ taskId: 't1', outcome: 'cancelled' }]);
  void agent.close();
  t.end();
});

t.test('drain: says so, finishes, hands over, waits for the acknowledgement, stops', async (t) => {
  const { coordinator, runner, clock, give, agent, stopped } = world();
  give('t1');
  const drained = agent.drain(10_000);
  clock.advance(5);
  t.match(coordinator.peer.of('DrainNotice'), [{ deadlineMs: 10_000 }]);
  runner.finish(0);
  clock.advance(5);
  t.equal(stopped(), null, 'not before its result is stored');
  acknowledge(coordinator.peer, 't1');
  clock.advance(5);
  t.same(await drained, { reason: 'drained', permanent: false });
  t.equal(coordinator.peer.connection.state, 'closed');
  t.equal(clock.pending, 0, 'no timer is left');
});

t.test('a drain out of time hands the work back', async (t) => {
  const { coordinator, runner, clock, give, agent } = world();
  give('t1');
  const drained = agent.drain(3000);
  clock.advance(3000);
  t.same(runner.run(0).asked, ['abort', 'terminate']);
  clock.advance(5);
  t.match(coordinator.peer.of('TaskCompletion'), [{ taskId: 't1', error: { name: 'AGENT_DRAINED' } }]);
  acknowledge(coordinator.peer, 't1');
  runner.run(0).listener.finished({ outcome: 'aborted', runMs: 1 });
  clock.advance(5);
  t.match(await drained, { permanent: false });
});

t.test('a refusal for good stops the agent with one line that says why', (t) => {
  const refused = world({}, (peer) => peer.connection.close(ERRORS.JOIN_TOKEN_WRONG.code, 'token'));
  t.match(refused.stopped(), { permanent: true, reason: /^c:1: .*join token.*--join-token-file/ });
  t.equal(refused.clock.pending, 0);

  const reported = world({}, (peer) => {
    const { code } = ERRORS.UNSUPPORTED_VERSION;
    peer.send({ type: 'ErrorReport', code, name: 'UNSUPPORTED_VERSION', message: 'only 2' });
  });
  t.match(reported.stopped(), { permanent: true, reason: /only 2/ });

  const chosen = world({}, (peer) => peer.send(ack({ protocolVersion: 9 })));
  t.match(chosen.stopped(), { permanent: true, reason: /protocol version 9/ });
  t.end();
});

t.test('an id in use is tried again when the coordinator says', (t) => {
  let refusals = 0;
  const { clock, coordinator, events, agent } = world({}, (peer, received) => {
    if (refusals++ > 0) accepts(peer, received);
    else {
      const { code } = ERRORS.AGENT_ID_IN_USE;
      peer.send({ type: 'ErrorReport', code, name: 'AGENT_ID_IN_USE', message: 'taken', retryAfterMs: 5000 });
    }
  });
  clock.advance(4900);
  t.same(events, []);
  // And a little later than asked: others were told the same.
  clock.advance(1000);
  t.same(events, ['registered']);
  t.equal(coordinator.peers.length, 2);
  void agent.close();
  t.end();
});

t.test('what a coordinator may not say is refused by name, and the connection goes on', (t) => {
  const { coordinator, clock, runner, give, agent } = world();
  const { peer } = coordinator;
  peer.send({ type: 'QueryStatus', requestId: 1 });
  peer.channel(0).stream.write(Uint8Array.of(0, 0, 0, 2, 0x92, 0xc1));
  clock.advance(5);
  t.match(peer.of('ErrorReport'), [{ name: 'UNEXPECTED_MESSAGE' }, { name: 'BAD_MESSAGEPACK' }]);
  give('t1');
  t.equal(runner.runs.length, 1);
  peer.channel(0).stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  clock.advance(5);
  t.not(peer.connection.state, 'established', 'framing is lost');
  clock.advance(1000);
  t.equal(coordinator.peers.length, 2, 'and it comes back');
  void agent.close();
  t.end();
});

t.test('close stops at once, whatever runs', async (t) => {
  const { runner, clock, give, agent } = world();
  give('t1');
  const closed = agent.close();
  t.same(runner.run(0).asked, ['terminate']);
  runner.run(0).listener.finished({ outcome: 'aborted', runMs: 1 });
  clock.advance(5);
  t.match(await closed, { permanent: false });
  t.equal(clock.pending, 0);
});
