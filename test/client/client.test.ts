import t from 'tap';
import { Client, type ClientOptions } from '../../src/client/client.js';
import { toJson } from '../../src/protocol/json-form.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { MessageOf, TaskState, TaskSummary } from '../../src/protocol/messages.js';
import { decodeValue, encodeValue } from '../../src/protocol/value.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import { ScriptedCoordinator, type Received, type ScriptedPeer } from '../support/scripted-coordinator.js';

const clientAck: MessageOf<'ClientAck'> = {
  type: 'ClientAck',
  protocolVersion: 1,
  coordinatorId: 'c1',
  configuration: { maxMessageBytes: 100_000, ownStreamThresholdBytes: 1000 },
  kinds: ['compute'],
};
const summary = (taskId: string, state: TaskState): TaskSummary => ({
  taskId,
  kind: 'compute',
  state,
  priority: 5,
  agentId: 'agent-1',
  attempts: 1,
  submittedAt: 1,
  queuedMs: 2,
  runMs: 3,
  error: state === 'failed' ? { name: 'TypeError', message: 'no', retryable: false } : null,
  progress: null,
});

type Script = (peer: ScriptedPeer, received: Received) => void;

/** Accepts the client, then does what the test says. */
const accepting =
  (then: Script = () => undefined): Script =>
  (peer, received) => {
    if (received.message.type === 'ClientHandshake') peer.send(clientAck);
    else then(peer, received);
  };
const acknowledge = (peer: ScriptedPeer, { message }: Received, taskId = 't1') => {
  if (message.type !== 'SubmitTask') return;
  peer.send({ type: 'MessageAck', status: 'received', requestIds: [message.requestId], taskIds: [taskId] });
};
/** Stores every task and completes it with its own input. */
const echoes: Script = (peer, received) => {
  acknowledge(peer, received, `t${peer.of('SubmitTask').length}`);
  if (received.message.type !== 'SubmitTask') return;
  const { requestId } = received.message;
  const task = summary(`t${peer.of('SubmitTask').length}`, 'completed');
  peer.send({ type: 'TaskUpdate', requestId, task }, received.payload);
};

function world(script: Script, options: Partial<ClientOptions> = {}) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const coordinator = new ScriptedCoordinator(network, 'c:1', script);
  const client = new Client({
    addresses: ['c:1'],
    connector: network.connector,
    clock,
    random: () => 0.5,
    ownKeys: true,
    ...options,
  });
  /** Lets time pass until a promise is settled: promises and virtual time take turns. */
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    const pending = new Set([promise]);
    const over = () => pending.clear();
    promise.then(over, over);
    for (let turn = 0; turn < 100_000 && pending.size > 0; turn++) {
      await Promise.resolve();
      if (turn % 20 === 19) clock.advance(1);
    }
    return promise;
  };
  return { clock, network, coordinator, client, settled };
}

const echo = (input: unknown) => ({ kind: 'compute', input: { function: 'echo', input } });

t.test('submits and gets the outcome, typed arrays and all', async (t) => {
  const { client, settled, coordinator } = world(accepting(echoes), { joinToken: 'secret', clientId: 'me' });
  const input = Float64Array.of(1.5, Number.NaN);
  const task = await settled(
    client.submit({ ...echo(input), priority: 9, idempotencyKey: 'k', timeoutMs: 10 }),
  );
  t.equal(task.taskId, 't1');
  t.same(await settled(task.result()), {
    taskId: 't1',
    kind: 'compute',
    state: 'completed',
    result: { function: 'echo', input },
    error: null,
    agentId: 'agent-1',
    attempts: 1,
    queuedMs: 2,
    runMs: 3,
  });
  t.match(coordinator.peer.of('ClientHandshake'), [
    { protocolVersions: [1], clientId: 'me', joinToken: 'secret' },
  ]);
  t.match(coordinator.peer.of('SubmitTask'), [
    { kind: 'compute', priority: 9, idempotencyKey: 'k', timeoutMs: 10, watch: true },
  ]);
  client.close();
});

t.test('a bad input of a built-in kind is refused before anything is sent', async (t) => {
  const { client, network } = world(accepting(echoes));
  await t.rejects(client.submit({ kind: 'compute', input: { input: 1 } }), {
    name: 'TaskInputError',
    path: 'function',
  });
  await t.rejects(client.submit({ kind: 'my-kind', input: { when: new Date() } }), {
    name: 'TaskInputError',
    message: /when/,
  });
  t.same(network.attempts, []);
  client.close();
});

t.test('a large input goes on a stream of its own; one too large is refused here', async (t) => {
  const { client, coordinator, settled } = world(accepting(echoes));
  const outcome = await settled(client.run({ kind: 'my-kind', input: new Uint8Array(5000) }));
  t.same(outcome.result, new Uint8Array(5000));
  const { received, ended } = coordinator.peer;
  t.same(
    received.slice(1).map(({ message, stream }) => [stream, message.type]),
    [
      [1, 'StreamOpen'],
      [1, 'SubmitTask'],
    ],
  );
  t.ok(ended.has(1));
  await t.rejects(settled(client.run({ kind: 'my-kind', input: new Uint8Array(200_000) })), {
    name: 'TaskRejected',
    reasonName: 'PAYLOAD_TOO_LARGE',
  });
  client.close();
});

t.test('a refused submit', async (t) => {
  const { client, settled } = world(
    accepting((peer, { message }) => {
      if (message.type !== 'SubmitTask') return;
      const { requestId } = message;
      const { code } = ERRORS.QUEUE_FULL;
      peer.send({
        type: 'ErrorReport',
        code,
        name: 'QUEUE_FULL',
        message: 'full',
        requestId,
        retryAfterMs: 70,
      });
    }),
  );
  await t.rejects(settled(client.submit(echo(1))), {
    name: 'TaskRejected',
    reasonName: 'QUEUE_FULL',
    permanent: false,
    retryAfterMs: 70,
    message: 'full',
  });
  client.close();
});

t.test('query, cancel, status, agents', async (t) => {
  const { client, settled } = world(
    accepting((peer, { message }) => {
      if (message.type === 'QueryTask') {
        const { requestId, taskId } = message;
        peer.send({ type: 'TaskUpdate', requestId, task: summary(taskId, 'completed') }, encodeValue([1]));
      } else if (message.type === 'CancelTask') {
        const requestIds = message.requestId === undefined ? [] : [message.requestId];
        peer.send({ type: 'MessageAck', status: 'processed', requestIds, taskIds: [message.taskId] });
      } else if (message.type === 'QueryAgents') {
        peer.send({ type: 'AgentsReport', requestId: message.requestId, agents: [] });
      } else if (message.type === 'QueryStatus') {
        peer.send({
          type: 'StatusReport',
          requestId: message.requestId,
          coordinatorId: 'c1',
          version: '1',
          startedAt: 0,
          draining: false,
          agents: {},
          tasks: { queued: 3 },
          queued: {},
          clients: 1,
          memoryBytes: 1,
          dropped: {},
          protocolErrors: 0,
        });
      }
    }),
  );
  t.match(await settled(client.task('t9')), { task: { taskId: 't9', state: 'completed' }, result: [1] });
  await settled(client.cancel('t9'));
  t.match(await settled(client.status()), { tasks: { queued: 3 } });
  t.same(await settled(client.agents()), []);
  client.close();
});

t.test('no coordinator: unreachable after the timeout, over all addresses', async (t) => {
  const { client, settled, network, clock } = world(accepting(echoes), {
    addresses: ['nobody:1', 'nobody:2'],
    connectTimeoutMs: 3000,
  });
  const start = clock.now();
  await t.rejects(settled(client.status()), {
    name: 'CoordinatorUnreachable',
    message: /^nobody:1, nobody:2: .*3000 ms/,
  });
  t.equal(clock.now() - start, 3000);
  t.same(network.attempts.slice(0, 2), ['nobody:1', 'nobody:2']);
  client.close();
});

t.test('a second address that answers is found', async (t) => {
  const { client, settled } = world(accepting(echoes), { addresses: ['nobody:1', 'c:1'] });
  t.match(await settled(client.run(echo(1))), { state: 'completed' });
  client.close();
});

t.test('a coordinator that starts a little later is found', async (t) => {
  const { client, settled, network, clock } = world(accepting(echoes), { addresses: ['late:1'] });
  network.connectTimeoutMs = 100;
  clock.setTimer(clock.now() + 2000, () => {
    new ScriptedCoordinator(network, 'late:1', accepting(echoes));
  });
  t.match(await settled(client.run(echo(1))), { state: 'completed' });
  client.close();
});

t.test('refusals', async (t) => {
  const tls = world(accepting());
  tls.network.refuse('c:1', { by: 'local', layer: 'tls', code: 48, reason: '' });
  await t.rejects(tls.settled(tls.client.status()), {
    name: 'Refused',
    code: 48,
    reasonName: 'TLS_UNKNOWN_CA',
    permanent: true,
    message: /^c:1: .*--ca/,
  });
  t.equal(tls.network.attempts.length, 1, 'not tried again');

  const token = world((peer) => {
    const { code } = ERRORS.JOIN_TOKEN_WRONG;
    peer.send({ type: 'ErrorReport', code, name: 'JOIN_TOKEN_WRONG', message: 'wrong token' });
  });
  await t.rejects(token.settled(token.client.status()), { name: 'Refused', reasonName: 'JOIN_TOKEN_WRONG' });

  const full = world((peer) => peer.connection.close(ERRORS.TOO_MANY_CONNECTIONS.code, ''), {
    connectTimeoutMs: 500,
  });
  await t.rejects(full.settled(full.client.status()), { name: 'Refused', permanent: false });
  t.ok(full.network.attempts.length > 1, 'tried again until the time was over');
});

t.test('a lost connection rejects what cannot be repeated', async (t) => {
  const { client, settled, network } = world(
    accepting(() => network.links.at(-1)?.cut()),
    { ownKeys: false },
  );
  await t.rejects(settled(client.submit(echo(1))), { name: 'CoordinatorUnreachable' });
  await t.rejects(settled(client.cancel('t1')), { name: 'CoordinatorUnreachable' });
  t.equal(network.links.length, 2, 'and the next request connects again');
  client.close();
});

t.test('watched tasks and keyed submits outlive a lost connection', async (t) => {
  let connections = 0;
  const { client, settled, network, coordinator } = world((peer, received) => {
    const { message } = received;
    if (message.type === 'ClientHandshake') {
      connections += 1;
      peer.send(clientAck);
    } else if (connections === 1) {
      if (message.type === 'SubmitTask' && message.idempotencyKey !== 'k')
        acknowledge(peer, received, 'watched');
      else network.links.at(-1)?.cut();
    } else if (message.type === 'WatchTask') {
      const { requestId, taskId } = message;
      peer.send({ type: 'TaskUpdate', requestId, task: summary(taskId, 'running') });
      peer.send({ type: 'TaskUpdate', requestId, task: summary(taskId, 'failed') });
    } else echoes(peer, received);
  });
  const watched = await settled(client.submit(echo(1)));
  const keyed = client.run({ ...echo(2), idempotencyKey: 'k' });
  t.match(await settled(watched.result()), {
    taskId: 'watched',
    state: 'failed',
    error: { name: 'TypeError' },
  });
  t.match(await settled(keyed), { state: 'completed' });
  t.match(coordinator.peer.of('WatchTask'), [{ taskId: 'watched' }]);
  client.close();
});

t.test('a submit without a key is given one, and goes on after a lost connection', async (t) => {
  const keys: (string | undefined)[] = [];
  const { client, settled, network } = world(
    accepting((peer, received) => {
      if (received.message.type !== 'SubmitTask') return;
      keys.push(received.message.idempotencyKey);
      if (keys.length === 1) network.links.at(-1)?.cut();
      else echoes(peer, received);
    }),
  );
  t.match(await settled(client.run(echo(1))), { state: 'completed' });
  t.match(await settled(client.run(echo(2))), { state: 'completed' });
  t.equal(keys.length, 3);
  t.equal(keys[0], keys[1]);
  t.not(keys[1], keys[2]);
  t.match(keys[0], /^[A-Za-z0-9_-]{22}\./);
  client.close();
});

t.test('a question that kills every coordinator is not asked for ever, nor without a pause', async (t) => {
  const { client, settled, network, clock } = world(
    accepting(() => network.links.at(-1)?.cut()),
    { reattachTimeoutMs: 3000 },
  );
  const start = clock.now();
  await t.rejects(settled(client.status()), { name: 'CoordinatorUnreachable' });
  t.ok(clock.now() - start >= 3000);
  t.ok(network.attempts.length < 20, `${network.attempts.length} attempts`);
  client.close();
});

t.test('the connection is replaced all the time: every task is submitted and ends once', async (t) => {
  const endsAt = new Map<string, number>();
  const keys = new Set<string>();
  const { client, settled, network, clock, coordinator } = world(
    accepting((peer, { message, payload }) => {
      const later = (
        at: number,
        answer: MessageOf<'TaskUpdate'> | MessageOf<'MessageAck'>,
        bytes = payload,
      ) => clock.setTimer(at, () => peer.send(answer, answer.type === 'TaskUpdate' ? bytes : null));
      const now = clock.now();
      if (message.type === 'SubmitTask') {
        const { requestId, idempotencyKey = '' } = message;
        if (keys.has(idempotencyKey)) throw new Error('a submit was sent twice');
        keys.add(idempotencyKey);
        const taskId = `t${keys.size}`;
        endsAt.set(taskId, now + 40);
        later(now + 2, {
          type: 'MessageAck',
          status: 'received',
          requestIds: [requestId],
          taskIds: [taskId],
        });
        later(now + 40, { type: 'TaskUpdate', requestId, task: summary(taskId, 'completed') });
      } else if (message.type === 'WatchTask') {
        const { requestId, taskId } = message;
        const at = Math.max(now, endsAt.get(taskId) ?? 0);
        later(at, { type: 'TaskUpdate', requestId, task: summary(taskId, 'completed') }, encodeValue('late'));
      } else if (message.type === 'CancelTask') {
        const { requestId = 0, taskId } = message;
        later(now + 20, {
          type: 'MessageAck',
          status: 'processed',
          requestIds: [requestId],
          taskIds: [taskId],
        });
      }
    }),
    { recycle: { streams: 1000, bytes: 8000 } },
  );
  const ids: string[] = [];
  const worker = async () => {
    for (let n = 0; n < 40; n++) {
      const { taskId, state } = await client.run(echo(n));
      t.equal(state, 'completed');
      ids.push(taskId);
      if (n % 8 === 0) await client.cancel(taskId);
    }
  };
  await settled(Promise.all(Array.from({ length: 20 }, worker)));
  t.equal(new Set(ids).size, 800);
  t.equal(keys.size, 800);
  t.ok(coordinator.peers.length > 10, `${coordinator.peers.length} connections`);
  clock.advance(20_000);
  t.equal(network.links.filter(({ client: end }) => end.state === 'established').length, 1);
  client.close();
  clock.advance(10);
  t.equal(clock.pending, 0);
});

t.test('a replacement that is refused: the first connection goes on', async (t) => {
  let handshakes = 0;
  const { client, settled, coordinator, network } = world(
    (peer, received) => {
      if (received.message.type !== 'ClientHandshake') echoes(peer, received);
      else if (++handshakes === 1) peer.send(clientAck);
      else peer.connection.close(ERRORS.TOO_MANY_CONNECTIONS.code, '');
    },
    { recycle: { streams: 1000, bytes: 2000 } },
  );
  for (let n = 0; n < 50; n++) await settled(client.run(echo(n)));
  t.ok(handshakes > 2);
  t.equal(coordinator.peers[0]?.of('SubmitTask').length, 50);
  t.equal(network.links[0]?.client.state, 'established');
  client.close();
});

t.test('a coordinator that wants to be left alone for a while is', async (t) => {
  let handshakes = 0;
  const { client, settled, clock } = world((peer, received) => {
    if (received.message.type !== 'ClientHandshake') echoes(peer, received);
    else if (handshakes++ > 0) peer.send(clientAck);
    else {
      const { code } = ERRORS.TOO_MANY_CONNECTIONS;
      peer.send({
        type: 'ErrorReport',
        code,
        name: 'TOO_MANY_CONNECTIONS',
        message: 'full',
        retryAfterMs: 3000,
      });
    }
  });
  const start = clock.now();
  t.match(await settled(client.run(echo(1))), { state: 'completed' });
  t.ok(clock.now() - start >= 3000);
  client.close();
});

t.test('a coordinator that stops reading: submits wait, and little is held', async (t) => {
  const { client, clock, network, coordinator, settled } = world(accepting(acknowledge));
  await settled(client.submit(echo(0), { watch: false }));
  const link = network.links.at(-1);
  link?.stall();
  let accepted = 0;
  const input = new Uint8Array(900);
  const submits = Array.from({ length: 5000 }, () =>
    client.submit({ kind: 'my-kind', input }, { watch: false }).then(() => accepted++),
  );
  for (let turn = 0; turn < 100; turn++) {
    await Promise.resolve();
    clock.advance(1);
  }
  t.equal(accepted, 0);
  link?.flow();
  await settled(Promise.all(submits));
  t.equal(coordinator.peer.of('SubmitTask').length, 5001);
  client.close();
});

t.test('a watch that cannot be taken up again rejects in the end', async (t) => {
  const { client, settled, network } = world(accepting(acknowledge), { reattachTimeoutMs: 2000 });
  const task = await settled(client.submit(echo(1)));
  network.refuse('c:1', { by: 'timeout', layer: 'transport', code: 0, reason: '' });
  network.links.at(-1)?.cut();
  await t.rejects(settled(task.result()), { name: 'CoordinatorUnreachable' });
  client.close();
});

t.test('submits wait while too many are unacknowledged, and none is lost', async (t) => {
  const held: Received[] = [];
  const { client, settled, clock, coordinator } = world(
    accepting((_, received) => void held.push(received)),
    { maxUnacknowledged: 10 },
  );
  const submits = Array.from({ length: 200 }, (_, index) =>
    client.submit({ ...echo(index), idempotencyKey: `k${index}` }),
  );
  const all = Promise.all(submits);
  const seen: number[] = [];
  for (let turn = 0; turn < 10_000 && seen.length < 200; turn++) {
    for (let tick = 0; tick < 20; tick++) await Promise.resolve();
    clock.advance(1);
    const batch = held.splice(0).filter(({ message }) => message.type === 'SubmitTask');
    t.ok(batch.length <= 11, `${batch.length} at once`);
    for (const received of batch) {
      const value = decodeValue(received.payload ?? new Uint8Array());
      seen.push(Number(Reflect.get(Object(value), 'input')));
      acknowledge(coordinator.peer, received, `t${seen.length}`);
    }
  }
  t.same(
    seen,
    Array.from({ length: 200 }, (_, index) => index),
  );
  t.equal((await settled(all)).length, 200);
  client.close();
});

t.test('an aborted submit: not sent, or cancelled once its id is known', async (t) => {
  await t.rejects(world(accepting()).client.submit(echo(1), { signal: AbortSignal.abort(new Error('no')) }), {
    message: 'no',
  });

  const connecting = world(accepting());
  const early = new AbortController();
  const neverSent = connecting.client.submit(echo(1), { signal: early.signal });
  early.abort(new Error('changed my mind'));
  await t.rejects(connecting.settled(neverSent), { message: 'changed my mind' });
  connecting.clock.advance(100);
  t.same(connecting.coordinator.peer.of('SubmitTask'), []);
  connecting.client.close();

  const controller = new AbortController();
  const { client, settled, clock, coordinator } = world(
    accepting((peer, received) => {
      controller.abort(new Error('too late'));
      acknowledge(peer, received);
    }),
  );
  await t.rejects(settled(client.submit(echo(1), { signal: controller.signal })), { message: 'too late' });
  clock.advance(100);
  t.match(coordinator.peer.of('CancelTask'), [{ taskId: 't1', reason: 'cancelled' }]);
  client.close();
});

t.test('an aborted run cancels its task', async (t) => {
  const { client, settled, coordinator, clock } = world(accepting(acknowledge));
  const controller = new AbortController();
  const run = client.run(echo(1), { signal: controller.signal });
  run.catch(() => undefined);
  for (let turn = 0; turn < 200; turn++) {
    await Promise.resolve();
    if (turn % 20 === 19) clock.advance(1);
  }
  controller.abort(new Error('stop'));
  await t.rejects(settled(run), { message: 'stop' });
  clock.advance(10);
  t.match(coordinator.peer.of('CancelTask'), [{ taskId: 't1' }]);
  client.close();
});

t.test('close rejects what is open, and leaves no timer', async (t) => {
  const { client, settled, clock } = world(accepting());
  const open = client.status();
  open.catch(() => undefined);
  clock.advance(10);
  client.close();
  await t.rejects(settled(open), { name: 'CoordinatorUnreachable', message: /closed/ });
  await t.rejects(client.status(), { name: 'CoordinatorUnreachable' });
  clock.advance(100);
  t.equal(clock.pending, 0);
});

t.test('an answer that cannot be read rejects the question that it answers, and is reported', async (t) => {
  const { client, settled, coordinator } = world(
    accepting((peer, { message }) => {
      if (message.type !== 'QueryTask') return;
      const { requestId, taskId } = message;
      const good = summary(taskId, 'completed');
      peer.send({ type: 'TaskUpdate', requestId, task: taskId === 't1' ? { ...good, attempts: -1 } : good });
    }),
  );
  await t.rejects(settled(client.task('t1')), { reasonName: 'BAD_FIELD', message: /attempts/ });
  t.match(await settled(client.task('t2')), { task: { taskId: 't2' } });
  t.match(coordinator.peers[0]?.of('ErrorReport'), [{ name: 'BAD_FIELD', requestId: 1 }]);
  client.close();
});

t.test('a result that is no value rejects its own task only', async (t) => {
  const { client, settled } = world(
    accepting((peer, received) => {
      acknowledge(peer, received);
      if (received.message.type !== 'SubmitTask') return;
      const { requestId } = received.message;
      peer.send({ type: 'TaskUpdate', requestId, task: summary('t1', 'completed') }, Uint8Array.of(0xc1));
    }),
  );
  await t.rejects(settled(client.run(echo(1))), { name: 'BAD_MESSAGEPACK' });
  t.equal((await settled(client.submit(echo(2)))).taskId, 't1');
  client.close();
});

t.test('toJson', (t) => {
  t.same(
    toJson({ a: Float64Array.of(1, Number.NaN), b: [Infinity, { c: Int8Array.of(-1) }], d: null, e: 'x' }),
    {
      a: [1, null],
      b: [null, { c: [-1] }],
      d: null,
      e: 'x',
    },
  );
  t.end();
});
