import t, { type Test } from 'tap';
import { Coordinator, type CoordinatorOptions } from '../../../src/coordinator/coordinator.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { encodeValue } from '../../../src/protocol/value.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import type { Recovery, RetentionRule, Store } from '../../../src/store/store.js';
import { FakeClock, pass } from '../../support/fake-clock.js';
import { HeldStore } from '../../support/held-store.js';
import { MemoryNetwork } from '../../support/memory-transport.js';
import { AGENT_HELLO, CLIENT_HELLO, Speaker } from '../../support/speaker.js';

const ECHO = encodeValue({ function: 'echo', input: 1 });

/** A coordinator in virtual time, over a store that outlives it. */
async function world(
  t: Test,
  options: Partial<CoordinatorOptions> & { readonly clock?: FakeClock; readonly started?: boolean } = {},
) {
  const { started = true, clock = new FakeClock(), ...rest } = options;
  const network = new MemoryNetwork(clock);
  const store = options.store ?? new MemoryStore();
  const used: Uint8Array[] = [];
  const listener = network.listen('c:1');
  listener.setTicketKey = (key) => void used.push(key);
  const coordinator = new Coordinator({ ...rest, listener, store, clock });
  const starting = coordinator.start();
  if (started) await starting;
  t.teardown(() => coordinator.close());
  return {
    clock,
    network,
    store,
    coordinator,
    starting,
    used,
    connect: () => new Speaker(network.connector('c:1')),
    /** Lets `ms` pass, and all that is due happen. */
    pass: (ms: number) => pass(clock, ms),
  };
}

type World = Awaited<ReturnType<typeof world>>;

/** An agent that has joined and opened a lane. */
async function join(w: World, hello: Partial<MessageOf<'AgentHandshake'>> = {}) {
  const peer = w.connect();
  peer.control.send({ ...AGENT_HELLO, ...hello });
  await w.pass(10);
  const [ack] = peer.control.of('AgentAck');
  if (ack === undefined) throw new Error(`no AgentAck: ${JSON.stringify(peer.control.heard)}`);
  const lane = peer.open('tasks-normal');
  await w.pass(5);
  return { peer, lane, ack };
}

async function submit(w: World, key: string) {
  const client = w.connect();
  client.control.send(CLIENT_HELLO);
  await w.pass(10);
  client.control.send(
    { type: 'SubmitTask', requestId: 1, kind: 'compute', watch: true, idempotencyKey: key },
    ECHO,
  );
  await w.pass(10);
  const [received] = client.control.of('MessageAck');
  const taskId = received?.taskIds[0];
  if (taskId === undefined) throw new Error(`not received: ${JSON.stringify(client.control.heard)}`);
  return { client, taskId };
}

const completion = (task: MessageOf<'AgentTask'>): MessageOf<'TaskCompletion'> => ({
  type: 'TaskCompletion',
  taskId: task.taskId,
  attempt: task.attempt,
  epoch: task.epoch,
  outcome: 'completed',
  runMs: 1,
});

t.test('nobody is accepted before all unfinished tasks are taken up', async (t) => {
  const clock = new FakeClock();
  const before = await world(t, { clock });
  const { taskId } = await submit(before, 'a');
  const { store } = before;

  let openGate: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (openGate = resolve));
  const slow = new HeldStore(store);
  const reading: Store = Object.assign(slow, {
    load: async (): Promise<Recovery> => {
      const recovery = await store.load();
      async function* gated() {
        await gate;
        yield* recovery.tasks;
      }
      return { ...recovery, tasks: gated() };
    },
  });
  const after = await world(t, { clock, store: reading, started: false });
  const early = after.connect();
  await after.pass(20);
  t.equal(early.connection.state, 'handshaking');
  openGate();
  await after.starting;
  const { lane } = await join(after);
  t.equal(lane.of('AgentTask')[0]?.taskId, taskId);
});

t.test('the key of session tickets comes from the store, and changes with time', async (t) => {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const first = await world(t, { clock, store, ticketKeyLifetimeMs: 1000 });
  t.equal(first.used.length, 1);
  const second = await world(t, { clock, store, ticketKeyLifetimeMs: 1000 });
  t.same(second.used, first.used, 'another process goes on with it');
  clock.advance(1000);
  await second.pass(2);
  t.equal(second.used.length, 2);
  t.notSame(second.used[1], second.used[0]);
});

t.test('finished tasks are pruned by the rule', async (t) => {
  const store = new HeldStore(new MemoryStore());
  const asked: RetentionRule[] = [];
  Object.assign(store, {
    prune: (rule: RetentionRule) => {
      asked.push(rule);
      return Promise.resolve(0);
    },
  });
  const rule = { ageMs: 5, tasks: 6, bytes: 7 };
  const { clock } = await world(t, { store, retention: rule });
  clock.advance(60_000);
  t.same(asked, [rule]);
});

t.test('an agent that resumes in early data is answered before the handshake is complete', async (t) => {
  const w = await world(t);
  const { peer, ack } = await join(w);
  peer.connection.close(ERRORS.INTERNAL_ERROR.code, 'gone');
  await w.pass(10);
  w.network.earlyData = true;
  const resume = {
    ...AGENT_HELLO,
    sessionToken: ack.sessionToken,
    nonce: 'a-nonce-of-enough-characters',
    leases: [],
  };
  const again = w.connect();
  again.control.send(resume);
  await w.pass(3);
  t.match(again.control.of('AgentAck'), [{ resumed: true }]);

  const replay = w.connect();
  replay.control.send(resume);
  await w.pass(10);
  t.same(replay.control.of('AgentAck'), []);
  t.match(replay.control.of('ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
  t.equal(again.closeInfo, null, 'and the agent goes on');
});

t.test('what is not a resume waits for nobody in early data: it is refused', async (t) => {
  const w = await world(t);
  w.network.earlyData = true;
  const stranger = w.connect();
  stranger.control.send(AGENT_HELLO);
  await w.pass(2);
  t.match(stranger.control.of('ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
  await w.pass(10);
  stranger.control.send(AGENT_HELLO);
  await w.pass(10);
  t.match(
    stranger.control.of('AgentAck'),
    [{ resumed: false }],
    'said again after the handshake it is an ordinary one',
  );
});

t.test('a connection hands over: a result read from the old one counts, the new one goes on', async (t) => {
  const w = await world(t);
  const { peer, lane, ack } = await join(w);
  const { client, taskId } = await submit(w, 'a');
  const [task] = lane.of('AgentTask');
  if (task === undefined) throw new Error('no task');
  const successor = w.connect();
  await w.pass(5);
  // Both leave in the same turn: the result on the old connection arrives first.
  lane.send(completion(task), encodeValue('once'));
  successor.control.send({
    ...AGENT_HELLO,
    sessionToken: ack.sessionToken,
    leases: [{ taskId, attempt: task.attempt, epoch: task.epoch }],
  });
  await w.pass(20);
  t.match(successor.control.of('AgentAck'), [{ resumed: true }]);
  t.match(peer.closeInfo, { by: 'peer', code: ERRORS.SESSION_REPLACED.code });
  t.match(client.control.of('TaskUpdate'), [{ task: { taskId, state: 'completed', attempts: 1 } }]);
  // The agent heard no acknowledgement: its outbox says it again.
  const newLane = successor.open('tasks-normal');
  newLane.send(completion(task), encodeValue('twice'));
  await w.pass(10);
  t.match(successor.control.of('MessageAck').at(-1), { status: 'processed', taskIds: [taskId] });
  t.equal(client.control.of('TaskUpdate').length, 1);
  const stored = await w.store.get([taskId]);
  t.match(stored[0]?.current, { state: 'completed', result: encodeValue('once') });
});

t.test(
  'what arrives on the old connection after the new one has resumed is ignored, and not lost',
  async (t) => {
    const w = await world(t);
    const { lane, ack } = await join(w);
    const { client, taskId } = await submit(w, 'a');
    const [task] = lane.of('AgentTask');
    if (task === undefined) throw new Error('no task');
    const successor = w.connect();
    await w.pass(5);
    const [oldLink] = w.network.links;
    oldLink?.stall();
    lane.send(completion(task), encodeValue('late'));
    successor.control.send({
      ...AGENT_HELLO,
      sessionToken: ack.sessionToken,
      leases: [{ taskId, attempt: task.attempt, epoch: task.epoch }],
    });
    await w.pass(10);
    t.match(successor.control.of('AgentAck'), [{ resumed: true, abortedTasks: [] }]);
    oldLink?.flow();
    await w.pass(10);
    t.same(client.control.of('TaskUpdate'), [], 'not taken from a connection that was replaced');
    successor.open('tasks-normal').send(completion(task), encodeValue('again'));
    await w.pass(10);
    t.match(client.control.of('TaskUpdate'), [{ task: { taskId, state: 'completed', attempts: 1 } }]);
    const stored = await w.store.get([taskId]);
    t.match(stored[0]?.current, { state: 'completed', result: encodeValue('again') });
  },
);

t.test('a connection that was heard a moment ago is known to live, whatever it says', async (t) => {
  const w = await world(t, { heartbeatIntervalMs: 100 });
  const { peer } = await join(w);
  // Not a word of the protocol: a frame that is never finished, a byte at a time.
  peer.control.channel.stream.write(Uint8Array.of(0, 0, 1, 0));
  for (let i = 0; i < 12; i++) {
    peer.control.channel.stream.write(Uint8Array.of(0));
    await w.pass(60);
  }
  t.equal(peer.closeInfo, null, 'after 7 heartbeat intervals without a heartbeat');
});

t.test('a listener that throws keeps nothing from being stored', async (t) => {
  const w = await world(t, {
    onAudit: () => {
      throw new Error('the disk of the audit is full');
    },
  });
  const { client, taskId } = await submit(w, 'k');
  client.control.send({ type: 'CancelTask', requestId: 2, taskId, reason: 'cancelled' });
  await w.pass(10);
  client.control.send({ type: 'CancelTask', requestId: 3, taskId, reason: 'cancelled' });
  client.control.send({ type: 'SubmitTask', requestId: 4, kind: 'compute', watch: false }, ECHO);
  await w.pass(10);
  const acknowledged = client.control.of('MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(acknowledged, [1, 2, 4]);
});

t.test('a drain that is asked for twice ends for both, and with the coordinator', async (t) => {
  const w = await world(t);
  const agent = await join(w);
  await submit(w, 'k');
  await w.pass(10);
  t.equal(agent.lane.of('AgentTask').length, 1);
  const first = w.coordinator.drain(50, 'one');
  const second = w.coordinator.drain(10_000, 'two');
  await w.pass(60);
  t.same(await Promise.all([first, second, w.coordinator.drain(1, 'three')]), [1, 1, 1]);

  const other = await world(t);
  await join(other);
  await submit(other, 'k');
  await other.pass(10);
  const drained = other.coordinator.drain(10_000, 'one');
  await other.coordinator.close();
  t.equal(await drained, 1);
});
