import fc from 'fast-check';
import t from 'tap';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { DEFAULT_CACHE } from '../../../src/coordinator/core/tasks/task-book.js';
import { messagesOf, World, type AgentDouble, type ClientDouble } from './world.js';

const input = (value: unknown = null) => encodeValue(value);
/** Finished tasks leave memory at once: what is asked about them is asked of the store. */
const FORGETFUL = { cache: { ...DEFAULT_CACHE, count: 0 } };

function swarm(options: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World(options);
  const client = world.client();
  const agent = () => {
    const one = world.agent('a1', { concurrency: 100 });
    one.ack();
    return one;
  };
  return { world, client, agent };
}

const after = (client: ClientDouble, needs: string[], more = {}, value: unknown = null) =>
  client.submit({ needs, ...more }, input(value));

function leaseOf(agent: AgentDouble, taskId: string) {
  const lease = agent.takeTasks().find((task) => task.taskId === taskId);
  if (lease === undefined) throw new Error(`${taskId} was given out`);
  return lease;
}

for (const [name, options] of [
  ['in memory', {}],
  ['in the store alone', FORGETFUL],
] as const) {
  void t.test(`needed tasks that ended ${name}`, async (t) => {
    await t.test('a task starts when all it needs has completed, and not before', async (t) => {
      const { client, agent } = swarm(options);
      const [one, two] = [client.submit(), client.submit()];
      const last = after(client, [one, two]);
      t.match(client.query(last), {
        state: 'blocked',
        needs: [one, two],
        waitsFor: { reason: 'needs', detail: new RegExp(`${one} .*${two}`) },
      });
      const worker = agent();
      const leases = worker.takeTasks();
      t.strictSame(
        leases.map(({ taskId }) => taskId),
        [one, two],
      );
      for (const lease of leases) {
        t.equal(client.query(last).state, 'blocked');
        worker.complete(lease);
      }
      worker.complete(leaseOf(worker, last));
      t.match(client.query(last), { state: 'completed', attempts: 1 });
      const done = after(client, [one, last]);
      worker.complete(leaseOf(worker, done));
      t.equal(client.query(done).state, 'completed', 'those that ended before the submit count');
    });

    await t.test('results are put in where the input names them', async (t) => {
      const { world, client, agent } = swarm(options);
      const [one, two] = [client.submit(), client.submit()];
      const worker = agent();
      const value = { a: { $result: one }, b: [1, { $result: two, at: '/rows/1' }, { $result: one }] };
      const last = after(client, [one, two], {}, value);
      const [first, second] = worker.takeTasks();
      if (first === undefined || second === undefined) throw new Error('two leases');
      worker.complete(first, input({ n: new Float64Array([1, 2]) }));
      worker.complete(second, input({ rows: [7, 'eight'] }));
      const sent = world.take(worker.connectionId).find(({ message }) => message.type === 'AgentTask');
      t.match(sent?.message, { taskId: last });
      t.strictSame(decodeValue(sent?.payload ?? input()), {
        a: { n: new Float64Array([1, 2]) },
        b: [1, 'eight', { n: new Float64Array([1, 2]) }],
      });
    });

    await t.test(
      'a need that ends without a result fails or skips what follows, to the end of a chain',
      async (t) => {
        const { client, agent } = swarm(options);
        const first = client.submit({ attempts: 1 });
        const failing = after(client, [first], { watch: true });
        const skipping = after(client, [failing], { onFailedNeed: 'skip' });
        const last = after(client, [skipping]);
        const worker = agent();
        worker.fail(leaseOf(worker, first), true);
        t.match(client.query(failing), { state: 'failed', attempts: 0, error: { name: 'NEED_FAILED' } });
        t.match(client.query(failing).error?.message, new RegExp(`'${first}'.*dead`));
        t.equal(client.query(skipping).state, 'cancelled');
        t.equal(client.query(last).state, 'failed');
        t.strictSame(worker.takeTasks(), []);
        const late = after(client, [first]);
        t.equal(client.query(late).state, 'failed', 'one submitted afterwards as well');
      },
    );
  });
}

void t.test('a task that never had what it needs waits for it again when it is retried', async (t) => {
  const { client, agent } = swarm();
  const first = client.submit();
  const second = after(client, [first]);
  client.cancel(first);
  t.equal(client.query(second).state, 'failed');
  client.retry(first);
  client.retry(second);
  t.equal(client.query(second).state, 'blocked');
  const worker = agent();
  worker.complete(leaseOf(worker, first));
  worker.complete(leaseOf(worker, second));
  t.equal(client.query(second).state, 'completed');
});

for (const [when, options, restarts] of [
  ['in memory', {}, false],
  ['in the store alone', FORGETFUL, false],
  ['after a restart', {}, true],
] as const) {
  void t.test(`a task that has had what it needs is queued when it is retried, ${when}`, async (t) => {
    let { world, client } = swarm(options);
    const first = client.submit();
    const dependents = [after(client, [first], {}, { $result: first }), after(client, [first])];
    const worker = world.agent('a1', { concurrency: 9 });
    const lease = leaseOf(worker, first);
    worker.say({ type: 'DrainNotice', reason: 'no more', deadlineMs: 1000 });
    worker.complete(lease, input('a result that takes some bytes'));
    if (restarts) {
      world = world.restart();
      client = world.client(500);
    }
    for (const taskId of dependents) {
      t.equal(client.query(taskId).state, 'queued');
      client.cancel(taskId);
    }
    world.store.rows.delete(first);
    for (const taskId of dependents) {
      client.retry(taskId);
      t.equal(client.query(taskId).state, 'queued', 'what it needed is kept no more, nor asked for');
    }
    const other = world.agent('a2', { concurrency: 9 });
    const sent = world.take(other.connectionId).filter(({ message }) => message.type === 'AgentTask');
    t.strictSame(
      sent.map(({ payload = input() }) => decodeValue(payload)),
      ['a result that takes some bytes', null],
    );
  });
}

void t.test('a task that is cancelled while its release is being stored has had what it needs', async (t) => {
  const { world, client, agent } = swarm();
  const first = client.submit();
  const second = after(client, [first], {}, { $result: first });
  const worker = agent();
  const lease = leaseOf(worker, first);
  world.autoCommit = false;
  worker.complete(lease, input('a result that takes some bytes'));
  world.commit();
  world.turn({ type: 'flush' });
  t.match(world.waiting?.ops, [{ op: 'release', taskId: second }]);
  client.ask({ type: 'CancelTask', taskId: second, requestId: 98, reason: 'cancelled' });
  world.autoCommit = true;
  world.turn({ type: 'flush' });
  t.equal(client.query(second).state, 'cancelled');
  world.store.rows.delete(first);
  client.retry(second);
  const bytes = world.store.input(second)?.byteLength;
  t.equal(world.core.state.tasks.inputBytes, bytes);
  worker.complete(leaseOf(worker, second));
  t.equal(client.query(second).state, 'completed');
});

void t.test('what the store said of a needed task before that was retried does not count', async (t) => {
  const { world, client, agent } = swarm(FORGETFUL);
  const needed = client.submit({ attempts: 1 });
  const worker = agent();
  worker.fail(leaseOf(worker, needed), true);
  world.autoRead = false;
  client.send({ needs: [needed] }, input());
  world.answerReads();
  const [question] = world.stateReads.splice(0);
  t.ok(question, 'how the needed one ended is asked of the store');
  const answer = [world.store.state(needed)];
  t.strictSame(answer, ['dead']);
  client.ask({ type: 'RetryTask', requestId: 99, taskId: needed });
  world.answerReads();
  worker.complete(leaseOf(worker, needed));
  world.turn({
    type: 'statesRead',
    readId: question?.readId ?? 0,
    found: { states: answer, keyHolder: null },
  });
  world.autoRead = true;
  world.answerReads();
  t.equal(worker.takeTasks().length, 1, 'it is given out: what it needs has completed by now');
});

void t.test(
  'a needed task that the store has queued once more, and memory not yet, is waited for',
  async (t) => {
    const { world, client, agent } = swarm(FORGETFUL);
    const needed = client.submit({ attempts: 1 });
    const worker = agent();
    worker.fail(leaseOf(worker, needed), true);
    const dependent = after(client, [needed], {}, null);
    t.equal(client.query(dependent).state, 'failed');
    world.autoRead = false;
    client.send({ needs: [needed] }, input());
    world.answerReads();
    const [question] = world.stateReads.splice(0);
    const found = { states: ['queued'], keyHolder: null } as const;
    world.turn({ type: 'statesRead', readId: question?.readId ?? 0, found });
    t.equal(world.stateReads.length, 1, 'the store is asked once more');
    world.autoRead = true;
    world.answerReads();
  },
);

void t.test('a delay counts from the submit, and after the needs', async (t) => {
  const { world, client, agent } = swarm();
  const first = client.submit();
  const second = after(client, [first], { delayMs: 10_000 });
  t.equal(client.query(second).notBefore, world.now + 10_000);
  const worker = agent();
  worker.complete(leaseOf(worker, first));
  t.match(client.query(second), { state: 'delayed', waitsFor: { reason: 'delayed' } });
  world.advance(10_000);
  t.equal(worker.takeTask().taskId, second);
});

void t.test(
  'a delay that ends while the release is being stored leaves the task in the list of those queued',
  async (t) => {
    const { world, client, agent } = swarm();
    const first = client.submit();
    const second = after(client, [first], { delayMs: 10 });
    const worker = agent();
    const lease = leaseOf(worker, first);
    world.lose(worker.connectionId, true);
    const other = world.agent('a2', { concurrency: 1 });
    other.ack();
    const again = leaseOf(other, first);
    other.say({ type: 'DrainNotice', reason: 'no more', deadlineMs: 1000 });
    world.autoCommit = false;
    other.complete(again);
    world.commit();
    world.event({ type: 'flush' });
    world.now += 20;
    world.commit();
    t.equal(world.core.state.tasks.get(second)?.phase.state, 'queued');
    t.match(client.ask({ type: 'QueryTasks', requestId: 900, state: 'queued' }), [
      { message: { tasks: [{ taskId: second }] } },
    ]);
    t.not(lease.epoch, again.epoch);
  },
);

void t.test('blocked tasks are taken up after a restart', async (t) => {
  const { world, client, agent } = swarm();
  const [one, two] = [client.submit(), client.submit()];
  const last = after(client, [one, two], {}, { $result: one });
  const worker = agent();
  const [first] = worker.takeTasks();
  if (first === undefined) throw new Error('a lease');
  worker.complete(first, input('kept'));
  const restarted = world.restart({ sessionGraceMs: 1 });
  restarted.advance(10);
  const asker = restarted.client(500);
  t.equal(asker.query(last).state, 'blocked');
  const other = restarted.agent('a2', { concurrency: 9 });
  other.complete(leaseOf(other, two));
  const sent = restarted.take(other.connectionId).find(({ message }) => message.type === 'AgentTask');
  t.match(sent?.message, { taskId: last });
  t.equal(decodeValue(sent?.payload ?? input()), 'kept');
});

void t.test('however many wait for one task, a commit decides on some of them', async (t) => {
  for (const fate of ['completed', 'failed'] as const) {
    const { world, client, agent } = swarm(FORGETFUL);
    const first = client.submit();
    for (let i = 0; i < 600; i++) after(client, [first]);
    const worker = agent();
    const before = world.actions.length;
    worker.say({ type: 'DrainNotice', reason: 'no more', deadlineMs: 1000 });
    const lease = leaseOf(worker, first);
    if (fate === 'completed') worker.complete(lease);
    else worker.fail(lease, false);
    const commits = world.actions
      .slice(before)
      .flatMap((action) => (action.type === 'commit' ? [action] : []));
    t.equal(Math.max(...commits.map(({ ops }) => ops.length)), 512);
    world.advance(1);
    const { blocked, queued, failed } = world.core.state.tasks.countByState();
    t.strictSame([blocked, queued + failed], [0, fate === 'completed' ? 600 : 601]);
    t.strictSame(world.core.state.needs.size, 0);
    t.strictSame(
      world.actions.filter(({ type }) => /^read(States|Results)$/.test(type)),
      [],
      'the store is not asked',
    );
  }
});

void t.test('what is wrong with a submit is named, and nothing is submitted', async (t) => {
  const { world, client } = swarm();
  const known = client.submit();
  const refusal = (needs: string[], value: unknown = null) => {
    client.send({ needs }, input(value));
    const [error] = messagesOf(world.take(client.connectionId), 'ErrorReport');
    return `${String(error?.name)} ${String(error?.field)} ${String(error?.message)}`;
  };
  t.match(refusal([known, 'task-x']), /^UNKNOWN_TASK \/needs .*'task-x'/);
  t.match(refusal([known], { a: [{ $result: 'task-y' }] }), /^BAD_INPUT a\[0\] .*'task-y'.* not among/);
  t.match(refusal([known], { $result: 7 }), /^BAD_INPUT .*not the id/);
  t.match(refusal([known], { $result: known, at: 'x' }), /^BAD_INPUT .*JSON pointer/);
  t.match(refusal([known], { $result: known, more: 1 }), /^BAD_INPUT .*'more'/);
  t.equal(world.core.state.tasks.size, 1);
  world.autoRead = false;
  client.send({ needs: ['task-x'] }, input());
  const [read] = world.stateReads.splice(0);
  world.turn({ type: 'statesRead', readId: read?.readId ?? 0, found: null });
  t.match(messagesOf(world.take(client.connectionId), 'ErrorReport'), [{ name: 'STORE_UNAVAILABLE' }]);
});

void t.test(
  'a submit that is sent again gets its task, though what that needed is kept no more',
  async (t) => {
    const { world, client, agent } = swarm(FORGETFUL);
    const needed = client.submit();
    const again = { idempotencyKey: 'k', watch: true };
    const first = after(client, [needed], again);
    const worker = agent();
    worker.complete(leaseOf(worker, needed));
    worker.complete(leaseOf(worker, first), input('done'));
    world.store.rows.delete(needed);
    world.take(client.connectionId);
    t.equal(after(client, [needed], again), first);
    t.match(messagesOf(world.take(client.connectionId), 'TaskUpdate'), [
      { task: { taskId: first, state: 'completed' } },
    ]);
    client.send({ needs: [needed], idempotencyKey: 'another' }, input());
    t.match(messagesOf(world.take(client.connectionId), 'ErrorReport'), [{ name: 'UNKNOWN_TASK' }]);
  },
);

void t.test('submits that wait to hear of their needs count as what waits for the store', async (t) => {
  const world = new World({ maxBacklogBytes: 10_000 });
  const client = world.client();
  world.autoRead = false;
  for (let i = 0; i < 3; i++) client.send({ needs: ['task-x'] }, input('x'.repeat(4_000)));
  t.equal(world.intakeOpen, false);
  world.answerReads();
  t.equal(world.intakeOpen, true);
  t.equal(messagesOf(world.take(client.connectionId), 'ErrorReport').length, 3);
  client.send({ needs: ['task-x'] }, input('x'.repeat(20_000)));
  t.equal(world.intakeOpen, false);
  world.lose(client.connectionId);
  world.answerReads();
  t.equal(world.intakeOpen, true, 'also when nobody waits any more');
});

void t.test('an input that cannot be made of the results fails the task by name', async (t) => {
  const admit = (_kind: string, payload: Uint8Array) => {
    const value = decodeValue(payload);
    return value === 'bad'
      ? ({ ok: false, name: 'BAD_INPUT', message: 'it is bad', field: '' } as const)
      : ({ ok: true } as const);
  };
  const world = new World({}, { admit });
  const client = world.client();
  const first = client.submit({}, input());
  const missing = after(client, [first], {}, { $result: first, at: '/nothing' });
  const bad = after(client, [first], {}, { $result: first });
  const agent = world.agent('a1', { concurrency: 9 });
  agent.complete(leaseOf(agent, first), input('bad'));
  t.match(client.query(missing), { state: 'failed', error: { name: 'BAD_INPUT', message: /'\/nothing'/ } });
  t.match(client.query(bad), { state: 'failed', error: { name: 'BAD_INPUT', message: /it is bad/ } });
});

void t.test('a store that cannot be read is asked again', async (t) => {
  const { world, client, agent } = swarm();
  const first = client.submit();
  const second = after(client, [first], {}, { $result: first });
  world.autoRead = false;
  const worker = agent();
  worker.complete(leaseOf(worker, first), input(1));
  const [read] = world.resultReads.splice(0);
  world.turn({ type: 'resultsRead', readId: read?.readId ?? 0, found: null });
  t.equal(world.resultReads.length, 0, 'not at once');
  world.autoRead = true;
  world.advance(5_000);
  t.equal(worker.takeTask().taskId, second);
});

void t.test('only the results that an input names are read, and of few tasks at once', async (t) => {
  const { world, client, agent } = swarm(FORGETFUL);
  const needed = Array.from({ length: 30 }, () => client.submit());
  const [one = '', two = ''] = needed;
  world.autoRead = false;
  const some = after(client, needed, {}, [{ $result: two }, { $result: one }, { $result: two }]);
  const all = needed.map((taskId) => ({ $result: taskId }));
  for (let i = 0; i < 4; i++) after(client, needed, {}, all);
  const worker = agent();
  for (const lease of worker.takeTasks()) worker.complete(lease, input('a result'));
  t.strictSame(
    world.actions.filter(({ type }) => type === 'readStates'),
    [],
    'memory knows how they ended',
  );
  t.match(world.resultReads[0], { taskId: some, resultsOf: [one, two] });
  t.strictSame(
    world.resultReads.map(({ resultsOf }) => resultsOf.length),
    [2, 30, 30],
  );
  const sizes = [];
  while (world.resultReads.length > 0) {
    sizes.push(world.resultReads.reduce((sum, { resultsOf }) => sum + resultsOf.length, 0));
    world.answerReads();
  }
  t.ok(Math.max(...sizes) <= 64, sizes.join());
  world.autoRead = true;
  world.answerReads();
  t.equal(worker.takeTasks().length, 5);
});

interface Plan {
  readonly needs: readonly number[];
  readonly onFailedNeed: 'fail' | 'skip';
  readonly fate: 'complete' | 'fail' | 'cancel';
  readonly inserts: boolean;
}

const plans = fc.array(
  fc.record<Plan>({
    needs: fc.array(fc.nat(), { maxLength: 3 }),
    onFailedNeed: fc.constantFrom('fail', 'skip'),
    fate: fc.constantFrom('complete', 'complete', 'complete', 'fail', 'cancel'),
    inserts: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

void t.test('every task of any graph ends once, as its needs and its own fate say', async (t) => {
  fc.assert(
    fc.property(
      plans,
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.boolean(),
      fc.nat(20),
      (graph, order, forgetful, crashAt) => {
        const options = { ...(forgetful ? FORGETFUL : {}), sessionGraceMs: 1 };
        let world = new World(options);
        const ids: string[] = [];
        const submitter = world.client();
        for (const { needs, onFailedNeed, inserts } of graph) {
          const named = [...new Set(needs.map((n) => ids[n % Math.max(1, ids.length)]))];
          const known = named.filter((id) => id !== undefined);
          const value = inserts ? known.map((id) => ({ $result: id })) : null;
          const more = known.length === 0 ? {} : { needs: known, onFailedNeed };
          ids.push(submitter.submit({ ...more, attempts: 9 }, input(value)));
        }
        let agent = world.agent('a0', { concurrency: 100 });
        const held = [...agent.takeTasks()];
        for (let step = 0; held.length > 0 || step <= crashAt; step++) {
          if (step === crashAt) {
            // what was out comes back when the grace of the agent that is gone is over
            world = world.restart(options);
            world.advance(10);
            agent = world.agent('a1', { concurrency: 100 });
            held.splice(0, held.length, ...agent.takeTasks());
          }
          const [lease] = held.splice((order[step] ?? 0) % Math.max(1, held.length), 1);
          if (lease === undefined) continue;
          const fate = graph[ids.indexOf(lease.taskId)]?.fate;
          if (fate === 'complete') agent.complete(lease, input(step));
          else if (fate === 'fail') agent.fail(lease, false);
          else world.client(10_000 * (step + 1)).cancel(lease.taskId);
          held.push(...agent.takeTasks());
        }
        const expected: string[] = [];
        for (const { needs, onFailedNeed, fate } of graph) {
          const met = needs.every(
            (n) => expected.length === 0 || expected[n % expected.length] === 'completed',
          );
          if (!met) expected.push(onFailedNeed === 'skip' ? 'cancelled' : 'failed');
          else expected.push({ complete: 'completed', fail: 'failed', cancel: 'cancelled' }[fate]);
        }
        const states = ids.map((id) => world.store.rows.get(id)?.current.state);
        t.strictSame(states, expected);
        for (const id of ids) {
          const ends = world.store.rows
            .get(id)
            ?.history.filter(({ event }) => /complete|fail|cancel/.test(event));
          t.equal(ends?.length, 1, 'one end');
        }
        t.equal(world.core.state.needs.size, 0);
      },
    ),
    { numRuns: 150 },
  );
});
