import t from 'tap';
import type { Test } from 'tap';
import type { ExperienceRecord, LeaseRecord, SessionRecord, TaskSpec } from '../../src/store/records.js';
import { StoreError, type Store, type StoreOp } from '../../src/store/store.js';

const APPLIED = { status: 'applied' };
const INPUT = new Uint8Array([1, 2, 3]);
const RESULT = new Uint8Array([9, 8]);
const ERROR = { name: 'BOOM', message: 'it went wrong', retryable: true };

const spec = (taskId: string, more: Partial<TaskSpec> = {}): TaskSpec => ({
  taskId,
  kind: 'compute',
  priority: 5,
  timeoutMs: 1000,
  maxAttempts: 3,
  idempotencyKey: null,
  affinity: null,
  submittedAt: 1_000,
  ...more,
});
const submit = (taskId: string, more: Partial<TaskSpec> = {}, notBefore: number | null = null): StoreOp => ({
  op: 'submit',
  spec: spec(taskId, more),
  input: INPUT,
  notBefore,
});
const leaseOf = (taskId: string, epoch: number, attempt = epoch): LeaseRecord => ({
  taskId,
  attempt,
  epoch,
  agentId: 'a1',
  coordinatorId: 'c1',
  leasedAt: 2_000,
  deadlineAt: 3_000,
});
const lease = (taskId: string, epoch: number): StoreOp => ({ op: 'lease', lease: leaseOf(taskId, epoch) });
const complete = (taskId: string, epoch: number): StoreOp => ({
  op: 'complete',
  taskId,
  epoch,
  finishedAt: 2_500,
  runMs: 400,
  result: RESULT,
});
const fail = (taskId: string, epoch: number): StoreOp => ({
  op: 'fail',
  taskId,
  epoch,
  state: 'dead',
  finishedAt: 2_500,
  runMs: null,
  error: ERROR,
});
const requeue = (taskId: string, epoch: number, notBefore: number | null = null): StoreOp => ({
  op: 'requeue',
  taskId,
  epoch,
  retry: notBefore === null ? null : { notBefore, error: ERROR },
});
const cancel = (taskId: string, epoch: number): StoreOp => ({
  op: 'cancel',
  taskId,
  epoch,
  finishedAt: 2_500,
});
const session = (agentId: string, tokenHash: string): SessionRecord => ({
  agentId,
  agentType: 'worker',
  kinds: ['compute'],
  concurrency: 4,
  tokenHash,
  previousTokenHash: null,
  certificate: null,
  startedAt: 1_000,
});
const experience = (experienceId: string, more: Partial<ExperienceRecord> = {}): ExperienceRecord => ({
  experienceId,
  agentId: 'a1',
  action: 'match',
  context: { k: 5 },
  outcome: { value: 1, confidence: 0.5, latencyMs: 3 },
  recordedAt: 1_000,
  receivedAt: 1_001,
  ...more,
});

/** What every adapter of the Store port must do. `open` gives a fresh, empty store. */
export function storeConformance(name: string, open: () => Promise<Store>): void {
  const check = (title: string, body: (t: Test, store: Store) => Promise<void>) =>
    void t.test(`${name}: ${title}`, async (t) => {
      const store = await open();
      t.teardown(() => store.close());
      await body(t, store);
    });

  check('a submitted task is there with its input', async (t, store) => {
    t.strictSame(await store.commit([submit('t1'), submit('t2', {}, 5_000)]), [APPLIED, APPLIED]);
    const [one, two, three] = await store.get(['t1', 't2', 't3']);
    t.match(one, {
      spec: spec('t1'),
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: { state: 'queued' },
    });
    t.strictSame([...(one?.input ?? [])], [...INPUT]);
    t.strictSame(two?.current, { state: 'delayed', notBefore: 5_000 });
    t.equal(three, null);
  });

  check('an idempotency key makes one task, also within one batch', async (t, store) => {
    const key = { idempotencyKey: 'k' };
    t.strictSame(await store.commit([submit('t1', key), submit('t2', key)]), [
      APPLIED,
      { status: 'duplicate', taskId: 't1' },
    ]);
    t.strictSame(await store.commit([lease('t1', 1), complete('t1', 1), submit('t3', key)]), [
      APPLIED,
      APPLIED,
      { status: 'duplicate', taskId: 't1' },
    ]);
    t.strictSame(await store.get(['t2', 't3']), [null, null]);
  });

  check('a task id is used once', async (t, store) => {
    t.strictSame(await store.commit([submit('t1'), lease('t1', 1), submit('t1')]), [
      APPLIED,
      APPLIED,
      { status: 'conflict', epoch: 1 },
    ]);
  });

  check('a lease needs a larger epoch, and voids the one before', async (t, store) => {
    await store.commit([submit('t1')]);
    t.strictSame(await store.commit([lease('t1', 2), lease('t1', 2), lease('t1', 1), lease('t1', 7)]), [
      APPLIED,
      { status: 'conflict', epoch: 2 },
      { status: 'conflict', epoch: 2 },
      APPLIED,
    ]);
    t.strictSame(await store.commit([complete('t1', 2)]), [{ status: 'conflict', epoch: 7 }]);
    const [task] = await store.get(['t1']);
    t.match(task, { epoch: 7, attempts: 7, agentId: 'a1', leasedAt: 2_000 });
    t.strictSame(task?.current, { state: 'leased', lease: leaseOf('t1', 7) });
    t.strictSame(await store.commit([lease('nobody', 1)]), [{ status: 'conflict', epoch: null }]);
  });

  check(
    'a completed task keeps its result, loses its input, and takes no further change',
    async (t, store) => {
      await store.commit([submit('t1'), lease('t1', 1), complete('t1', 1)]);
      const [task] = await store.get(['t1']);
      t.match(task, { input: null, current: { state: 'completed', finishedAt: 2_500, runMs: 400 } });
      t.strictSame([...(task?.current.state === 'completed' ? task.current.result : [])], [...RESULT]);
      const refused = { status: 'conflict', epoch: 1 };
      const late = [complete('t1', 1), fail('t1', 1), requeue('t1', 1), cancel('t1', 1), lease('t1', 2)];
      t.strictSame(
        await store.commit(late),
        late.map(() => refused),
      );
    },
  );

  check('a failed task keeps its error', async (t, store) => {
    await store.commit([submit('t1'), lease('t1', 1), fail('t1', 1)]);
    const [task] = await store.get(['t1']);
    t.strictSame(task?.current, { state: 'dead', finishedAt: 2_500, runMs: null, error: ERROR });
    t.equal(task?.input, null);
  });

  check('a requeued task waits again, and its old lease is worth nothing', async (t, store) => {
    await store.commit([submit('t1'), submit('t2'), lease('t1', 1), lease('t2', 1)]);
    t.strictSame(await store.commit([requeue('t1', 1), requeue('t2', 1, 9_000)]), [APPLIED, APPLIED]);
    const [one, two] = await store.get(['t1', 't2']);
    t.match(one, { current: { state: 'queued' }, epoch: 1, attempts: 1 });
    t.strictSame([...(one?.input ?? [])], [...INPUT]);
    t.strictSame(two?.current, { state: 'retrying', notBefore: 9_000, error: ERROR });
    t.strictSame(await store.commit([complete('t1', 1)]), [{ status: 'conflict', epoch: 1 }]);
    t.strictSame(await store.commit([lease('t1', 2), complete('t1', 2)]), [APPLIED, APPLIED]);
  });

  check('extend moves the deadline of the present lease only', async (t, store) => {
    await store.commit([submit('t1'), lease('t1', 3)]);
    const extend = (epoch: number): StoreOp => ({ op: 'extend', taskId: 't1', epoch, deadlineAt: 8_000 });
    t.strictSame(await store.commit([extend(2), extend(3)]), [{ status: 'conflict', epoch: 3 }, APPLIED]);
    const [task] = await store.get(['t1']);
    t.strictSame(task?.current, { state: 'leased', lease: { ...leaseOf('t1', 3), deadlineAt: 8_000 } });
  });

  check('cancel ends a task at the epoch its sender knows', async (t, store) => {
    await store.commit([submit('t1'), submit('t2'), lease('t2', 4)]);
    t.strictSame(await store.commit([cancel('t1', 0), cancel('t2', 0), cancel('t2', 4), cancel('t9', 0)]), [
      APPLIED,
      { status: 'conflict', epoch: 4 },
      APPLIED,
      { status: 'conflict', epoch: null },
    ]);
    t.strictSame(
      (await store.get(['t1', 't2'])).map((task) => task?.current),
      [
        { state: 'cancelled', finishedAt: 2_500 },
        { state: 'cancelled', finishedAt: 2_500 },
      ],
    );
  });

  check('load gives unfinished tasks in the order of submission, and the sessions', async (t, store) => {
    await store.commit([
      submit('t3'),
      submit('t1'),
      submit('t2'),
      lease('t3', 1),
      lease('t1', 1),
      complete('t1', 1),
    ]);
    await store.commit([
      { op: 'put-session', session: session('a1', 'old') },
      { op: 'put-session', session: session('a2', 'two') },
      { op: 'put-session', session: session('a1', 'new') },
      { op: 'drop-session', agentId: 'a2' },
      { op: 'drop-session', agentId: 'nobody' },
    ]);
    const recovered = await store.load();
    t.strictSame(
      recovered.tasks.map((task) => [task.spec.taskId, task.current.state]),
      [
        ['t3', 'leased'],
        ['t2', 'queued'],
      ],
    );
    t.strictSame(recovered.sessions, [session('a1', 'new')]);
  });

  check('what was read does not change afterwards', async (t, store) => {
    await store.commit([submit('t1')]);
    const [before] = await store.get(['t1']);
    const loaded = (await store.load()).tasks[0];
    await store.commit([lease('t1', 1), complete('t1', 1)]);
    t.equal(before?.current.state, 'queued');
    t.equal(loaded?.current.state, 'queued');
  });

  check('list filters, newest first, up to its limit', async (t, store) => {
    await store.commit([submit('t1'), submit('t2', { kind: 'other' }), submit('t3'), lease('t3', 1)]);
    const ids = async (filter: Parameters<Store['list']>[0]) =>
      (await store.list(filter)).map((task) => task.spec.taskId);
    t.strictSame(await ids({ limit: 10 }), ['t3', 't2', 't1']);
    t.strictSame(await ids({ limit: 2 }), ['t3', 't2']);
    t.strictSame(await ids({ limit: 10, kind: 'compute' }), ['t3', 't1']);
    t.strictSame(await ids({ limit: 10, state: 'queued' }), ['t2', 't1']);
    t.strictSame(await ids({ limit: 10, state: 'leased', kind: 'other' }), []);
  });

  check('a nonce is consumed once, also within one batch', async (t, store) => {
    const nonce = (value: string, expiresAt = 5_000) => ({ value, expiresAt });
    t.strictSame(await store.consumeNonces([nonce('a'), nonce('a'), nonce('b')], 1_000), [true, false, true]);
    t.strictSame(await store.consumeNonces([nonce('b'), nonce('c')], 2_000), [false, true]);
    t.strictSame(await store.consumeNonces([nonce('d', 2_000)], 2_000), [false], 'expired already');
  });

  check('experiences are recorded once and read newest first', async (t, store) => {
    await store.commit([
      { op: 'append-experience', experience: experience('e1', { taskId: 't1' }) },
      { op: 'append-experience', experience: experience('e2', { agentId: 'a2' }) },
      { op: 'append-experience', experience: experience('e1', { action: 'again' }) },
      { op: 'append-experience', experience: experience('e3') },
    ]);
    const ids = async (filter: Parameters<Store['readExperiences']>[0]) =>
      (await store.readExperiences(filter)).map((one) => one.experienceId);
    t.strictSame(await ids({ limit: 10 }), ['e3', 'e2', 'e1']);
    t.strictSame(await ids({ limit: 1 }), ['e3']);
    t.strictSame(await ids({ limit: 10, agentId: 'a1' }), ['e3', 'e1']);
    t.strictSame(await store.readExperiences({ limit: 10, taskId: 't1' }), [
      experience('e1', { taskId: 't1' }),
    ]);
  });

  check('batches take effect in the order of the calls', async (t, store) => {
    const outcomes = await Promise.all([
      store.commit([submit('t1')]),
      store.commit([lease('t1', 1)]),
      store.commit([complete('t1', 1)]),
    ]);
    t.strictSame(outcomes, [[APPLIED], [APPLIED], [APPLIED]]);
  });

  check('a closed store refuses everything by name', async (t, store) => {
    await store.close();
    const calls = [
      store.commit([submit('t1')]),
      store.load(),
      store.get(['t1']),
      store.list({ limit: 1 }),
      store.consumeNonces([{ value: 'a', expiresAt: 2 }], 1),
      store.readExperiences({ limit: 1 }),
    ];
    for (const result of await Promise.allSettled(calls)) {
      t.ok(
        result.status === 'rejected' &&
          result.reason instanceof StoreError &&
          result.reason.reason === 'CLOSED',
      );
    }
  });
}
