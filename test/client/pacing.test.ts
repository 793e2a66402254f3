import fc from 'fast-check';
import t from 'tap';
import { Client, type ClientOptions } from '../../src/client/client.js';
import { TaskRejected } from '../../src/client/errors.js';
import { Pacing } from '../../src/client/pacing.js';
import { KeyedRate } from '../../src/numeric/keyed-rate.js';
import { ERRORS } from '../../src/protocol/errors.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import { ScriptedCoordinator } from '../support/scripted-coordinator.js';

t.test('all that was refused gets through, about as fast as the rate allows', (t) => {
  const rates = fc.integer({ min: 1, max: 5000 });
  const roundTrips = fc.integer({ min: 0, max: 50 });
  fc.assert(
    fc.property(rates, fc.integer({ min: 2, max: 150 }), roundTrips, (perSecond, requests, roundTripMs) => {
      const rate = new KeyedRate(perSecond);
      for (let i = 0; i < perSecond; i++) rate.take('client', 0);
      const pacing = new Pacing(30_000);
      let [now, asked] = [0, 0];
      for (let id = 1; id <= requests; id++) pacing.refused(id, rate.take('client', now) ?? 0, now);
      const answers: { readonly at: number; readonly id: number; readonly waitMs: number | null }[] = [];
      const taken: number[] = [];
      while (!pacing.idle) {
        for (let id = pacing.next(now); id !== null; id = pacing.next(now)) {
          asked++;
          const waitMs = rate.take('client', now);
          if (waitMs === null) taken.push(id);
          answers.push({ at: now + roundTripMs, id, waitMs });
        }
        const answer = answers[0];
        const at = pacing.nextAt;
        if (answer === undefined || (at !== null && at > now && at < answer.at)) {
          if (at === null) throw new Error('nothing will ever happen');
          now = Math.max(now, at);
          continue;
        }
        answers.shift();
        now = Math.max(now, answer.at);
        if (answer.waitMs === null) pacing.answered(answer.id, now);
        else if (!pacing.refused(answer.id, answer.waitMs, now)) throw new Error('gave up');
      }
      const slowestMs = requests * (1000 / perSecond + 2 + 2 * roundTripMs) + 1000;
      return (
        new Set(taken).size === requests &&
        taken.length === requests &&
        now <= slowestMs &&
        asked <= 4 * requests + 4
      );
    }),
    { numRuns: 50 },
  );
  t.end();
});

t.test('it gives up when nothing gets through for too long, and not before', (t) => {
  const pacing = new Pacing(1000);
  t.ok(pacing.refused(1, 100, 0));
  pacing.hold(2);
  t.equal(pacing.next(99), null);
  t.equal(pacing.nextAt, 100);
  t.equal(pacing.next(100), 1);
  t.equal(pacing.next(100), null, 'one at a time');
  t.equal(pacing.nextAt, null);
  pacing.answered(1, 900);
  t.equal(pacing.next(900), 2);
  t.ok(pacing.refused(2, 900, 1800), 'an answer at 900');
  t.equal(pacing.next(2700), 2);
  t.notOk(pacing.refused(2, 100, 2700));
  t.same([...pacing.held], [2]);
  pacing.forget(2);
  t.ok(pacing.idle);
  t.end();
});

/** A coordinator that takes so many requests a second of its one client, and says when to come back. */
function slowWorld(perSecond: number, options: Partial<ClientOptions> = {}) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const rate = new KeyedRate(perSecond);
  const counts = { taken: 0, refused: 0 };
  new ScriptedCoordinator(network, 'c:1', (peer, { message }) => {
    if (message.type === 'ClientHandshake') {
      const configuration = { maxMessageBytes: 100_000, ownStreamThresholdBytes: 1000 };
      peer.send({ type: 'ClientAck', protocolVersion: 1, coordinatorId: 'c1', configuration, kinds: [] });
      return;
    }
    const requestId = 'requestId' in message ? message.requestId : undefined;
    if (requestId === undefined) return;
    const retryAfterMs = rate.take('client', clock.now());
    if (retryAfterMs !== null) {
      counts.refused++;
      const { code } = ERRORS.TOO_MANY_REQUESTS;
      peer.send({
        type: 'ErrorReport',
        code,
        name: 'TOO_MANY_REQUESTS',
        message: 'slow',
        requestId,
        retryAfterMs,
      });
      return;
    }
    counts.taken++;
    const taskIds = message.type === 'SubmitTask' ? [`t${requestId}`] : [];
    peer.send({ type: 'MessageAck', status: 'received', requestIds: [requestId], taskIds });
  });
  const client = new Client({
    addresses: ['c:1'],
    connector: network.connector,
    clock,
    random: () => 0.5,
    ...options,
  });
  const pass = async (ms: number, go = () => true) => {
    for (let passed = 0; passed < ms && go(); passed++) {
      clock.advance(1);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  const within = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
    const pending = new Set([promise]);
    const over = () => pending.clear();
    promise.then(over, over);
    await pass(ms, () => pending.size > 0);
    if (pending.size > 0) throw new Error(`not settled within ${ms} ms`);
    return promise;
  };
  return { client, counts, pass, within };
}

const echo = { kind: 'compute', input: { function: 'echo', input: 1 } };

t.test('a client goes on at the rate allowed: submits, and changes that must not happen twice', async (t) => {
  const { client, counts, within } = slowWorld(50);
  const submits = Array.from({ length: 150 }, () => client.submit(echo, { watch: false }));
  const tasks = await within(4_500, Promise.all(submits));
  t.equal(new Set(tasks.map(({ taskId }) => taskId)).size, 150);
  await within(1_000, Promise.all([client.cancel('t1'), client.pause('compute'), client.retry('t1')]));
  t.equal(counts.taken, 153);
  t.ok(counts.refused < 3 * 153, `${counts.refused} refused`);
  client.close();
});

t.test('what is given up while it waits keeps nothing else waiting', async (t) => {
  const { client, pass, within } = slowWorld(10);
  await within(100, Promise.all(Array.from({ length: 10 }, () => client.submit(echo, { watch: false }))));
  const stop = new AbortController();
  const given = client.submit(echo, { watch: false, signal: stop.signal });
  const other = client.submit(echo, { watch: false });
  await pass(50);
  stop.abort(new Error('never mind'));
  await t.rejects(given, { message: 'never mind' });
  t.match(await within(1_000, other), { taskId: String });
  t.match(await within(1_000, client.submit(echo, { watch: false })), { taskId: String });
  client.close();
});

t.test('asked not to wait, it says what the coordinator said', async (t) => {
  const { client, within } = slowWorld(1, { slowdownTimeoutMs: 0 });
  await within(100, client.pause('compute'));
  const refused = within(100, client.pause('compute'));
  const problem = await refused.catch((error: unknown) => error);
  t.type(problem, TaskRejected);
  t.match(problem, { reasonName: 'TOO_MANY_REQUESTS', retryAfterMs: Number });
  client.close();
});
