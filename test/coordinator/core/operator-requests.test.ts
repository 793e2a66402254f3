import t from 'tap';
import { messagesOf, World, type ClientDouble } from './world.js';

function pause(client: ClientDouble, kind: string, type: 'PauseKind' | 'ResumeKind' = 'PauseKind') {
  return client.ask({ type, requestId: 900, kind });
}

void t.test('a paused kind is not given out, others are, and resuming lets it go on', async (t) => {
  const world = new World({}, { admit: () => ({ ok: true }) });
  const client = world.client();
  t.match(messagesOf(pause(client, 'compute'), 'MessageAck'), [{ status: 'processed', requestIds: [900] }]);
  const held = client.submit();
  const other = client.submit({ kind: 'other' });
  const agent = world.agent('a1', { concurrency: 5, kinds: ['compute', 'other'] });
  agent.ack();
  t.strictSame(
    agent.takeTasks().map(({ taskId }) => taskId),
    [other],
  );
  t.match(client.query(held), { state: 'queued', waitsFor: { reason: 'paused' } });
  t.match(client.ask({ type: 'QueryStatus', requestId: 1 })[0]?.message, { paused: ['compute'] });
  pause(client, 'compute', 'ResumeKind');
  t.equal(agent.takeTask().taskId, held, 'at once, without another event');
  t.notOk(client.query(held).waitsFor);
  t.equal(
    messagesOf(client.ask({ type: 'QueryStatus', requestId: 2 }), 'StatusReport')[0]?.paused,
    undefined,
  );
});

void t.test('what runs when its kind is paused may end; its retry waits', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 2 });
  agent.ack();
  const client = world.client();
  const [one, two] = [client.submit(), client.submit()];
  const leases = agent.takeTasks();
  pause(client, 'compute');
  const lease = (taskId: string) => {
    const found = leases.find((task) => task.taskId === taskId);
    if (found === undefined) throw new Error('it was given out');
    return found;
  };
  agent.complete(lease(one));
  t.equal(client.query(one).state, 'completed');
  agent.fail(lease(two), true);
  world.advance(60_000);
  t.strictSame(agent.takeTasks(), []);
  t.match(client.query(two), { state: 'queued', waitsFor: { reason: 'paused' } });
});

void t.test('a pause survives a restart, and so does the end of one', async (t) => {
  const before = new World();
  const client = before.client();
  const taskId = client.submit();
  pause(client, 'compute');
  const paused = before.restart();
  const agent = paused.agent('a1');
  agent.ack();
  t.strictSame(agent.takeTasks(), []);
  pause(paused.client(), 'compute', 'ResumeKind');
  t.equal(agent.takeTask().taskId, taskId);
  t.equal(paused.restart().core.state.pausedKinds.size, 0);
});

void t.test('a pause is acknowledged when it is stored, and refused when nothing can be', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoCommit = false;
  t.strictSame(messagesOf(pause(client, 'compute'), 'MessageAck'), []);
  world.commit();
  t.equal(world.takeType(client.connectionId, 'MessageAck').length, 1);
  client.send();
  world.failCommit();
  world.take(client.connectionId);
  t.match(messagesOf(pause(client, 'compute', 'ResumeKind'), 'ErrorReport'), [
    { name: 'STORE_UNAVAILABLE', requestId: 900 },
  ]);
  t.ok(world.core.state.pausedKinds.has('compute'));
});

void t.test('a kind that nobody knows is refused by name', async (t) => {
  const world = new World();
  const client = world.client();
  for (const type of ['PauseKind', 'ResumeKind'] as const) {
    const [error] = messagesOf(pause(client, 'compte', type), 'ErrorReport');
    t.match(error, { name: 'UNKNOWN_KIND', field: '/kind', message: /'compte'/ });
  }
  world.agent('a1', { kinds: ['word-count'] });
  t.equal(messagesOf(pause(client, 'word-count'), 'MessageAck').length, 1, 'an agent offers it');
  t.equal(messagesOf(pause(client, 'word-count'), 'MessageAck').length, 1, 'twice is as good as once');
});

void t.test('an agent that has nothing but paused tasks to do does not stall', async (t) => {
  const world = new World({ stallMs: 1_000 });
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  pause(client, 'compute');
  client.submit();
  for (let i = 0; i < 20; i++) {
    world.advance(1_000);
    agent.heartbeat();
  }
  t.equal(world.core.counters.agentsStalled, 0);
});

void t.test('a client may stop the coordinator where its shell can be stopped', async (t) => {
  const alone = new World();
  const refused = alone.client().ask({ type: 'DrainCoordinator', requestId: 7 });
  t.match(messagesOf(refused, 'ErrorReport'), [{ name: 'NOT_SUPPORTED', requestId: 7 }]);

  const world = new World({ clientsMayStop: true });
  const client = world.client();
  const answer = client.ask({ type: 'DrainCoordinator', requestId: 8, timeoutMs: 5_000 });
  t.match(messagesOf(answer, 'MessageAck'), [{ status: 'processed', requestIds: [8] }]);
  const stops = () => world.actions.filter(({ type }) => type === 'stop');
  t.strictSame(stops(), [{ type: 'stop', timeoutMs: 5_000 }]);
  world.turn({ type: 'drain', deadlineMs: 5_000, reason: 'asked' });
  const again = client.ask({ type: 'DrainCoordinator', requestId: 9 });
  t.equal(messagesOf(again, 'MessageAck').length, 1);
  t.equal(stops().length, 1, 'a drain that goes on is not started again');
});

void t.test('the level of the log is passed on: to the shell, or to a connected agent', async (t) => {
  const world = new World({ logLevelMayChange: true });
  const client = world.client();
  const set = (agentId?: string) =>
    client.ask({
      type: 'SetLogLevel',
      requestId: 7,
      level: 'trace',
      ...(agentId === undefined ? {} : { agentId }),
    });
  t.match(messagesOf(set(), 'MessageAck'), [{ requestIds: [7] }]);
  t.match(
    world.actions.filter(({ type }) => type === 'logLevel'),
    [{ level: 'trace', by: 'cli' }],
  );
  t.match(messagesOf(set('a1'), 'ErrorReport'), [{ name: 'UNKNOWN_AGENT', field: '/agentId', requestId: 7 }]);
  const agent = world.agent('a1');
  t.match(messagesOf(set('a1'), 'MessageAck'), [{ requestIds: [7] }]);
  t.same(world.takeType(agent.connectionId, 'LogLevelCommand'), [
    { type: 'LogLevelCommand', level: 'trace' },
  ]);
  world.lose(agent.connectionId);
  t.match(messagesOf(set('a1'), 'ErrorReport'), [{ name: 'UNKNOWN_AGENT' }]);
  const embedded = new World().client();
  t.match(messagesOf(embedded.ask({ type: 'SetLogLevel', requestId: 1, level: 'debug' }), 'ErrorReport'), [
    { name: 'NOT_SUPPORTED' },
  ]);
});

void t.test('a kind may have a name that every object has', async (t) => {
  const kind = 'constructor';
  const world = new World();
  const client = world.client();
  t.match(client.ask({ type: 'PauseKind', requestId: 700, kind }), [{ message: { name: 'UNKNOWN_KIND' } }]);
  world.agent('a1', { kinds: [kind] }).ack();
  for (let i = 0; i < 3; i++) client.submit({ kind });
  t.match(client.ask({ type: 'QueryStatus', requestId: 701 }), [{ message: { queued: { [kind]: 2 } } }]);
});
