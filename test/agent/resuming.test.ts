import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Agent, type AgentOptions } from '../../src/agent/agent.js';
import type { RunListener, RunRequest, TaskRunner } from '../../src/agent/runner.js';
import { openAgentState, type AgentState } from '../../src/agent/state/agent-state.js';
import { seededRandom } from '../support/impairment.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { MiniCoordinator, report } from './mini-coordinator.js';
import { recordingLog } from './state/answers.js';

const HEARTBEAT_MS = 1000;
const assign = (): MessageOf<'AgentAck'> => ({
  type: 'AgentAck',
  protocolVersion: 1,
  coordinatorId: 'c1',
  sessionToken: '',
  resumed: false,
  assignedStreams: [
    { purpose: 'control', priority: 0 },
    { purpose: 'tasks-high', priority: 1 },
    { purpose: 'tasks-normal', priority: 3 },
    { purpose: 'bulk', priority: 6 },
  ],
  configuration: {
    heartbeatIntervalMs: HEARTBEAT_MS,
    sessionGraceMs: 60_000,
    maxMessageBytes: 100_000,
    ownStreamThresholdBytes: 1000,
  },
  abortedTasks: [],
});

/** Gives each task its own input back, after a time of its own. */
class EchoRunner implements TaskRunner {
  readonly ownKinds: readonly string[] = [];
  readonly runs = new Map<string, number>();
  readonly settings = new Map<string, RunRequest['settings']>();
  constructor(
    readonly clock: FakeClock,
    readonly runMs: () => number,
  ) {}
  start({ taskId, payload, settings }: RunRequest, listener: RunListener) {
    this.settings.set(taskId, settings);
    this.runs.set(taskId, (this.runs.get(taskId) ?? 0) + 1);
    const cancel = this.clock.setTimer(this.clock.now() + this.runMs(), () =>
      listener.finished({ outcome: 'completed', runMs: 1, payload, summary: null }),
    );
    return { abort: () => undefined, terminate: cancel };
  }
}

function world(options: Partial<AgentOptions> & { earlyData?: boolean; runMs?: () => number } = {}) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  network.earlyData = options.earlyData ?? false;
  const coordinator = new MiniCoordinator(network, clock, {
    commitMs: 2,
    heartbeatIntervalMs: HEARTBEAT_MS,
    assign,
  });
  const runner = new EchoRunner(clock, options.runMs ?? (() => 3));
  const start = (changes: Partial<AgentOptions> = {}) => {
    const agent = new Agent({
      agentId: 'agent-1',
      agentType: 'worker',
      concurrency: 8,
      addresses: ['c:1'],
      connector: network.connector,
      runner,
      clock,
      random: () => 0.5,
      facts: () => ({ load: 0, memoryBytes: 1 }),
      ...options,
      ...changes,
    });
    const events: string[] = [];
    agent.on('registered', ({ resumed }) => void events.push(resumed ? 'resumed' : 'registered'));
    agent.on('recycled', () => void events.push('recycled'));
    agent.on('disconnected', () => void events.push('disconnected'));
    agent.start();
    return { agent, events };
  };
  return { clock, network, coordinator, runner, start };
}

t.test(
  'a resuming agent has its acknowledgement after one round trip, with a nonce of its own each time',
  (t) => {
    const { clock, network, coordinator, start } = world({ earlyData: true });
    const { agent, events } = start();
    clock.advance(50);
    t.same(events, ['registered']);
    t.equal(coordinator.handshakes[0]?.nonce, undefined, 'a first handshake is never early');
    for (let n = 0; n < 3; n++) {
      network.links.at(-1)?.cut();
      clock.advance(1000);
    }
    const nonces = coordinator.handshakes.slice(1).map(({ nonce }) => nonce);
    t.ok(nonces.every((nonce) => nonce !== undefined && /^[A-Za-z0-9_-]{22}$/.test(nonce)));
    t.equal(new Set(nonces).size, 3);
    t.same(events.filter((event) => event === 'resumed').length, 3);

    network.links.at(-1)?.cut();
    network.delayMs = 20;
    const passesUntil = (happened: () => boolean) => {
      let ms = 0;
      for (; !happened() && ms < 10_000; ms++) clock.advance(1);
      return ms;
    };
    const before = events.length;
    passesUntil(() => network.attempts.length === 5);
    const took = passesUntil(() => events.length === before + 2);
    t.ok(took <= 2 * 20 + 2 + 2, `a round trip and the commit: ${took} ms`);
    void agent.close();
    t.end();
  },
);

t.test('early data that is refused: once more when the connection is established, without a nonce', (t) => {
  const { clock, network, coordinator, start } = world({ earlyData: true });
  const { agent, events } = start();
  clock.advance(50);
  network.links.at(-1)?.cut();
  coordinator.refusals.push((peer) => (report(clock, peer, 'EARLY_DATA_REFUSED'), true));
  clock.advance(200);
  t.same(events, ['registered', 'disconnected', 'resumed']);
  t.same(
    coordinator.handshakes.map(({ nonce, sessionToken }) => [nonce !== undefined, sessionToken]),
    [
      [false, undefined],
      [true, 'token-1'],
      [false, 'token-1'],
    ],
  );
  t.equal(network.attempts.length, 2, 'on the same connection');
  void agent.close();
  t.end();
});

t.test('values that it was told are on disk when it says so, and hold in the next process', async (t) => {
  const directory = t.testdir();
  const { clock, coordinator, runner, start } = world();
  const first = await openAgentState({ directory, agentId: 'agent-1', log: recordingLog() });
  const { agent } = start({ state: first });
  await until(clock, () => coordinator.ready);
  coordinator.scripted.peer.send({
    type: 'AdaptationCommand',
    adaptationId: 'ad-1',
    kind: 'pattern-match',
    suggestions: [{ parameter: 'k', current: 5, suggested: 9, reason: 'bad forecasts' }],
  });
  await until(clock, () => coordinator.scripted.peer.of('AdaptationAck').length === 1);
  t.match(coordinator.scripted.peer.of('AdaptationAck'), [{ adaptationId: 'ad-1', outcome: 'applied' }]);
  void agent.close();
  await first.close();

  const second = await state(t, directory);
  t.strictSame(second.settings, { 'pattern-match': { k: 9 } });
  const again = start({ state: second });
  await until(clock, () => again.events.includes('resumed') && coordinator.ready);
  coordinator.submit('task-1', new Uint8Array([1]), 'pattern-match');
  await until(clock, () => runner.runs.has('task-1'));
  t.strictSame(runner.settings.get('task-1'), { k: 9 });
  void again.agent.close();
});

t.test('a session that is unknown is left at once; a busy coordinator is left in peace', (t) => {
  const { clock, network, coordinator, start } = world({ earlyData: true });
  const { agent, events } = start();
  clock.advance(50);
  coordinator.refusals.push((peer) => (report(clock, peer, 'SESSION_UNKNOWN'), true));
  coordinator.refusals.push((peer) => (report(clock, peer, 'COORDINATOR_BUSY', 5000), true));
  network.links.at(-1)?.cut();
  clock.advance(100);
  t.same(
    coordinator.handshakes.map(({ sessionToken }) => sessionToken),
    [undefined, 'token-1', undefined],
  );
  clock.advance(4800);
  t.equal(coordinator.handshakes.length, 3);
  clock.advance(1500);
  t.same(events, ['registered', 'disconnected', 'registered']);
  void agent.close();
  t.end();
});

async function state(t: Test, directory: string): Promise<AgentState> {
  const opened = await openAgentState({ directory, agentId: 'agent-1', log: recordingLog() });
  t.teardown(() => opened.close());
  return opened;
}
/** Virtual time and the disk take turns until something has happened. */
async function until(clock: FakeClock, happened: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn++) {
    if (happened()) return;
    if (turn % 10 === 0) clock.advance(1);
    await nextTurn();
  }
  throw new Error('it did not happen');
}

t.test('the agent says nothing under a new token before it is on disk', async (t) => {
  const { clock, coordinator, start } = world();
  const real = await state(t, t.testdir());
  let save: () => void = () => undefined;
  const slow: AgentState = {
    ...real,
    outbox: real.outbox,
    session: null,
    settings: real.settings,
    saveSettings: (settings) => real.saveSettings(settings),
    saveSession: (session) =>
      new Promise((resolve) => (save = () => void real.saveSession(session).then(resolve))),
  };
  const { agent, events } = start({ state: slow });
  clock.advance(50);
  t.same(events, ['registered']);
  const { peer } = coordinator.scripted;
  t.same(
    peer.received.map(({ message }) => message.type),
    ['AgentHandshake'],
  );
  save();
  await until(clock, () => peer.received.length === 4);
  t.same(
    peer.received.map(({ message }) => message.type),
    ['AgentHandshake', 'StreamOpen', 'StreamOpen', 'HeartbeatMessage'],
  );
  void agent.close();
});

t.test(
  'killed between the work and its acknowledgement: the result is delivered, the work not done again',
  async (t) => {
    const { clock, coordinator, network, runner, start } = world();
    const directory = t.testdir();
    const first = await state(t, directory);
    const { agent } = start({ state: first });
    await until(clock, () => coordinator.ready);
    coordinator.submit('done', Uint8Array.of(1));
    coordinator.submit('large', new Uint8Array(5000).fill(2));
    clock.advance(2);
    // Nothing arrives any more: both sides work on, and the agent's answers go nowhere.
    network.links.at(-1)?.stall();
    clock.advance(20);
    t.equal(first.outbox.size, 2);
    coordinator.submit('lost in the air', Uint8Array.of(3));
    clock.advance(5);
    // What a kill leaves: files, and no word to anybody.
    await first.close();
    network.links.at(-1)?.cut();
    clock.advance(1);
    void agent.close();

    const second = await state(t, directory);
    t.equal(second.session?.sessionToken, 'token-1');
    const back = start({ state: second });
    await until(clock, () => second.outbox.size === 0 && coordinator.completed.length === 3);
    t.same(back.events, ['resumed']);
    t.same(
      coordinator.handshakes.at(-1)?.leases?.map(({ taskId }) => taskId),
      ['done', 'large'],
    );
    t.equal(coordinator.completed.length, 3);
    t.same(coordinator.lost, ['lost in the air']);
    t.same(coordinator.refused, []);
    t.same(
      [...runner.runs],
      [
        ['done', 1],
        ['large', 1],
        ['lost in the air', 1],
      ],
    );
    t.equal(second.outbox.size, 0);
    void back.agent.close();
  },
);

t.test('a result of a lease that is over meanwhile is dropped, on disk as well', async (t) => {
  const { clock, coordinator, network, start } = world();
  const directory = t.testdir();
  const first = await state(t, directory);
  const { agent } = start({ state: first });
  await until(clock, () => coordinator.ready);
  coordinator.submit('t1', Uint8Array.of(1));
  clock.advance(2);
  network.links.at(-1)?.stall();
  clock.advance(20);
  await first.close();
  network.links.at(-1)?.cut();
  clock.advance(1);
  void agent.close();
  const task = coordinator.tasks.get('t1');
  if (task === undefined) throw new Error('no task');
  // Given to another agent, which has done it.
  task.epoch = 9;
  task.state = 'completed';
  const second = await state(t, directory);
  const back = start({ state: second });
  t.equal(second.outbox.size, 1);
  await until(clock, () => second.outbox.size === 0);
  t.same(coordinator.refused, [], 'not even sent: the acknowledgement of the handshake named it');
  await second.close();
  t.equal((await state(t, directory)).outbox.size, 0);
  void back.agent.close();
});

t.test('a full outbox gives no credit until it drains', (t) => {
  const { clock, coordinator, start } = world({ maxOutboxBytes: 1500 });
  const { agent } = start();
  clock.advance(50);
  for (let n = 0; n < 40; n++) coordinator.submit(`t${n}`, new Uint8Array(500));
  clock.advance(1000);
  t.equal(coordinator.completed.length, 40);
  const told = coordinator.scripted.peer.of('HeartbeatMessage').map(({ concurrency }) => concurrency);
  t.ok(told.includes(0) && told.lastIndexOf(8) > told.lastIndexOf(0));
  void agent.close();
  t.end();
});

t.test(
  'thousands of tasks while the connection is replaced all the time: each ends once, none waits',
  (t) => {
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(seed);
      const { clock, network, coordinator, runner, start } = world({
        concurrency: 16,
        recycle: { streams: 40, bytes: 8000 + seed * 3000 },
        runMs: () => Math.floor(random() * 20),
      });
      network.delayMs = seed;
      const { agent, events } = start();
      clock.advance(50);
      const total = 3000;
      let submitted = 0;
      let elapsed = 0;
      while (coordinator.completed.length < total && elapsed++ < 60_000) {
        for (let n = 0; n < 2 && submitted < total; n++) {
          coordinator.submit(`t${submitted++}`, new Uint8Array(random() < 0.05 ? 3000 : 20).fill(submitted));
        }
        clock.advance(1);
        if (coordinator.completed.length === 0 && elapsed > 1000) break;
      }
      t.equal(coordinator.completed.length, total, `seed ${seed}`);
      const recycled = events.filter((event) => event === 'recycled').length;
      t.ok(recycled > 50, `replaced ${recycled} times`);
      t.same(
        events.filter((event) => event !== 'recycled'),
        ['registered'],
        'nobody noticed',
      );
      t.same(coordinator.lost, []);
      t.same(coordinator.refused, []);
      t.ok([...runner.runs.values()].every((count) => count === 1));
      const longest = Math.max(...coordinator.completed.map((task) => task.finishedAt - task.submittedAt));
      t.ok(longest < 10_000, `the longest took ${longest} ms`);
      // A replacement may just be under way.
      clock.advance(200);
      t.equal(
        network.links.filter(({ client }) => client.state === 'established').length,
        1,
        'one connection is left',
      );
      void agent.close();
    }
    t.end();
  },
);

t.test(
  'a replacement that does not come about: the old connection goes on, and what came meanwhile counts',
  (t) => {
    const { clock, network, coordinator, runner, start } = world({ recycle: { streams: 1000, bytes: 6000 } });
    const { agent, events } = start();
    clock.advance(50);
    // The second handshake is never answered: the agent waits for it as long as it must.
    let silences = 0;
    coordinator.refusals.push(() => (silences++, true));
    for (let n = 0; n < 100 && silences === 0; n++) {
      coordinator.submit(`t${n}`, Uint8Array.of(n));
      clock.advance(10);
    }
    t.equal(silences, 1);
    const before = coordinator.tasks.size;
    for (let n = 0; n < 5; n++) coordinator.submit(`late${n}`, Uint8Array.of(n));
    clock.advance(12_000);
    t.equal(coordinator.completed.length, before + 5);
    t.same(coordinator.lost, []);
    t.same(events, ['registered']);
    clock.advance(20_000);
    t.same(events, ['registered', 'recycled'], 'and it is tried again');
    t.ok([...runner.runs.values()].every((count) => count === 1));
    t.equal(network.links.filter(({ client }) => client.state === 'established').length, 1);
    void agent.close();
    t.end();
  },
);

t.test(
  'the second connection is lost just when it has taken over: the agent comes back, and does not stop',
  (t) => {
    const { clock, network, coordinator, start } = world({ recycle: { streams: 1000, bytes: 6000 } });
    const { agent, events } = start();
    // Long enough for a registration that held: only then does a session that was replaced end the agent.
    clock.advance(60_000);
    let lost = 0;
    for (let n = 0; n < 300; n++) {
      const handshakes = coordinator.handshakes.length;
      coordinator.submit(`t${n}`, Uint8Array.of(n));
      clock.advance(1);
      // Accepted by the coordinator; the agent does not know, nor that its first connection is closed for it.
      if (coordinator.handshakes.length > handshakes && lost === 0) {
        lost++;
        network.links.at(-1)?.client.close(0, 'lost');
      }
      clock.advance(9);
    }
    clock.advance(5000);
    t.equal(lost, 1);
    t.not(agent.state, 'stopped');
    t.equal(coordinator.completed.length, 300);
    t.same(
      events.filter((event) => event !== 'recycled'),
      ['registered', 'disconnected', 'resumed'],
    );
    void agent.close();
    t.end();
  },
);

t.test('both connections are lost in the middle of it: it comes back like from any loss', (t) => {
  const { clock, network, coordinator, start } = world({ recycle: { streams: 1000, bytes: 6000 } });
  const { agent, events } = start();
  clock.advance(50);
  coordinator.refusals.push((peer) => {
    peer.connection.close(0x01, 'internal error');
    network.links.at(-2)?.cut();
    return true;
  });
  for (let n = 0; n < 200; n++) {
    coordinator.submit(`t${n}`, Uint8Array.of(n));
    clock.advance(10);
  }
  clock.advance(5000);
  t.equal(coordinator.completed.length, 200);
  t.match(events.slice(0, 3), ['registered', 'disconnected', 'resumed']);
  void agent.close();
  t.end();
});

t.test('a coordinator that is stopped is noticed, and no work is lost', (t) => {
  const { clock, network, coordinator, runner, start } = world();
  const { agent, events } = start();
  clock.advance(50);
  for (let n = 0; n < 8; n++) coordinator.submit(`t${n}`, Uint8Array.of(n));
  clock.advance(2);
  const link = network.links.at(-1);
  link?.stall();
  clock.advance(5 * HEARTBEAT_MS);
  t.same(events, ['registered', 'disconnected', 'resumed']);
  t.equal(coordinator.completed.length, 8);
  t.ok([...runner.runs.values()].every((count) => count === 1));
  void agent.close();
  t.end();
});
