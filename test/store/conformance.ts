import t from 'tap';
import type { Test } from 'tap';
import { HISTORY_LIMIT, type Collection } from '../../src/store/records.js';
import { StoreError, type Store, type StoreOp } from '../../src/store/store.js';
import {
  APPLIED,
  applied,
  cancel,
  complete,
  conflict,
  counts,
  ERROR,
  experience,
  extend,
  fail,
  INPUT,
  lease,
  leaseOf,
  recover,
  release,
  requeue,
  RESULT,
  retry,
  session,
  spec,
  submit,
  unmet,
  withKey,
} from './operations.js';

export interface Adapter {
  readonly name: string;
  /** A fresh, empty store. The suite closes it. */
  readonly open: (t: Test) => Promise<Store>;
  /** For durable ones: the same store in another life. The one before is closed. */
  readonly reopen?: (t: Test, store: Store) => Promise<Store>;
}

/** What every adapter of the Store port must do. */
export function storeConformance(adapter: Adapter): void {
  const check: Check = (title, body) =>
    void t.test(`${adapter.name}: ${title}`, async (t) => {
      const store = await adapter.open(t);
      t.teardown(() => store.close());
      await body(t, store);
    });

  tasksAreKept(check);
  conditionsHold(check);
  needsAreKept(check);
  keysAreHeld(check);
  historyIsKept(check);
  readsAnswer(check);
  pruneBounds(check);
  theRestIsKept(check);
  callsAreOrdered(check);
  const { name, open, reopen } = adapter;
  if (reopen !== undefined) everythingSurvives(name, open, reopen);
}

type Check = (title: string, body: (t: Test, store: Store) => Promise<void>) => void;

function needsAreKept(check: Check): void {
  const needs = { taskIds: ['n1', 'n"2'], onFailed: 'skip', inserts: ['n"2'] } as const;

  check(
    'a task with needs is blocked until it is released, with another input if there is one',
    async (t, store) => {
      await applied(t, store, [submit('t1', { needs }), submit('t2', { needs }, 9_000.5), submit('t3')]);
      t.match(await store.get(['t1', 't2']), [
        { spec: spec('t1', { needs }), current: { state: 'blocked', delayedUntil: null } },
        { current: { state: 'blocked', delayedUntil: 9_000.5 } },
      ]);
      t.strictSame(await counts(store), { blocked: 2, queued: 1 });
      const { tasks } = await recover(store);
      t.strictSame(
        tasks.map((task) => task.spec.needs),
        [needs, needs, undefined],
      );
      t.strictSame(
        (await store.list({ state: 'blocked', limit: 9 })).map((task) => [task.spec.taskId, task.spec.needs]),
        [
          ['t2', needs],
          ['t1', needs],
        ],
      );
      await applied(t, store, [release('t1', RESULT), release('t2', null, 9_000.5)]);
      t.strictSame(await store.commit([release('t1'), release('t3'), release('t9'), unmet('t1', 'failed')]), [
        conflict(0),
        conflict(0),
        conflict(null),
        conflict(0),
      ]);
      t.strictSame(await store.readInputs(['t1', 't2']), [RESULT, INPUT]);
      t.match(await store.get(['t1', 't2']), [
        { current: { state: 'queued' }, history: [{ event: 'submit' }, { event: 'due', at: 2_300 }] },
        { spec: { needs: { ...needs, met: true } }, current: { state: 'delayed', notBefore: 9_000.5 } },
      ]);
      await applied(t, store, [lease('t1', 1), complete('t1', 1)]);
      t.strictSame(await counts(store), { completed: 1, delayed: 1, queued: 1 });
    },
  );

  check(
    'a task whose needs are not met ends, and waits for them again when it is retried',
    async (t, store) => {
      await applied(t, store, [submit('t1', { needs }), submit('t2', { needs }), submit('t3', { needs })]);
      await applied(t, store, [unmet('t1', 'failed'), unmet('t2', 'cancelled'), cancel('t3', 0)]);
      t.match(await store.get(['t1', 't2']), [
        { current: { state: 'failed', finishedAt: 2_500, runMs: null, error: ERROR }, input: INPUT },
        { current: { state: 'cancelled', finishedAt: 2_500 } },
      ]);
      t.match((await store.get(['t2']))[0]?.history[1], { event: 'cancel', detail: /^BOOM: / });
      await applied(t, store, [retry('t1', 0), retry('t2', 0), retry('t3', 0)]);
      t.strictSame(await counts(store), { blocked: 3 });
      await applied(t, store, [release('t1'), lease('t1', 1), fail('t1', 1), retry('t1', 1)]);
      t.strictSame(await counts(store), { blocked: 2, queued: 1 }, 'it has had what it needed');
      await applied(t, store, [release('t2', RESULT), cancel('t2', 0), retry('t2', 0)]);
      t.strictSame(await counts(store), { blocked: 1, queued: 2 }, 'also one that was never leased');
      t.strictSame(await store.readInputs(['t2']), [RESULT]);
      t.match(
        (await recover(store)).tasks.map(({ spec }) => spec.needs?.met),
        [true, true, undefined],
      );
    },
  );
}

function tasksAreKept(check: Check): void {
  check('a submitted task is there with its input', async (t, store) => {
    const full = {
      ...withKey('k', 9_000.5),
      affinity: 'ä',
      kind: 'x'.repeat(64),
      timeoutMs: 0.1 + 0.2,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      priority: 0,
    };
    await applied(t, store, [submit('t1', full), submit('t2', {}, 5_000.25)]);
    const [one, two, three] = await store.get(['t1', 't2', 't3']);
    t.strictSame(one, {
      spec: spec('t1', full),
      input: INPUT,
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: { state: 'queued' },
      history: [{ event: 'submit', at: 1_000 }],
    });
    t.strictSame(two?.current, { state: 'delayed', notBefore: 5_000.25 });
    t.equal(three, null);
  });

  check('inputs and results are kept byte for byte', async (t, store) => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256);
    const empty = new Uint8Array(0);
    // views into a larger buffer, as they come from the network
    const part = bytes.subarray(1_000, 1_300);
    await applied(t, store, [
      submit('t1', {}, null, bytes),
      submit('t2', {}, null, empty),
      submit('t3', {}, null, part),
      ...['t1', 't2', 't3'].map((id) => lease(id, 1)),
    ]);
    t.strictSame(await store.readInputs(['t1', 't2', 't3']), [bytes, empty, part.slice()]);
    await applied(t, store, [complete('t1', 1, 1, empty), complete('t2', 1, 1, bytes)]);
    const results = (await store.get(['t1', 't2'])).map((task) =>
      task?.current.state === 'completed' ? task.current.result : null,
    );
    t.strictSame(results, [empty, bytes]);
  });

  check('the bytes of a submit may be reused once it is committed', async (t, store) => {
    const input = new Uint8Array([1, 2, 3]);
    await applied(t, store, [submit('t1', {}, null, input.slice()), submit('t2', {}, null, input)]);
    t.equal(input.byteLength, 3, 'they are still there');
  });

  check('a completed task keeps its result and loses its input', async (t, store) => {
    await applied(t, store, [submit('t1'), lease('t1', 1), complete('t1', 1)]);
    const [task] = await store.get(['t1']);
    t.equal(task?.input, null);
    t.strictSame(task?.current, { state: 'completed', finishedAt: 2_500, runMs: 400, result: RESULT });
  });

  check('a failed, dead or cancelled task keeps its input', async (t, store) => {
    const ids = ['t1', 't2', 't3'];
    await applied(t, store, [...ids.map((id) => submit(id)), lease('t1', 1), lease('t2', 1)]);
    await applied(t, store, [fail('t1', 1, 'failed'), fail('t2', 1, 'dead'), cancel('t3', 0)]);
    const tasks = await store.get(ids);
    t.strictSame(
      tasks.map((task) => task?.current),
      [
        { state: 'failed', finishedAt: 2_500, runMs: null, error: ERROR },
        { state: 'dead', finishedAt: 2_500, runMs: null, error: ERROR },
        { state: 'cancelled', finishedAt: 2_500 },
      ],
    );
    for (const task of tasks) t.strictSame(task?.input, INPUT);
    t.strictSame(await store.readInputs(ids), [null, null, null], 'only those of unfinished tasks');
  });
}

function conditionsHold(check: Check): void {
  check('a task id is used once', async (t, store) => {
    t.strictSame(await store.commit([submit('t1'), lease('t1', 1), submit('t1')]), [
      APPLIED,
      APPLIED,
      conflict(1),
    ]);
    t.strictSame(await store.commit([submit('t1', { kind: 'other' }), lease('t1', 4)]), [
      conflict(1),
      APPLIED,
    ]);
    t.equal((await store.get(['t1']))[0]?.spec.kind, 'compute');
    t.strictSame(await counts(store), { leased: 1 });
  });

  check('one refused submit among many does not touch the others', async (t, store) => {
    const ids = Array.from({ length: 50 }, (_, i) => `t${100 + i}`);
    await applied(t, store, [submit('t120'), lease('t120', 3), submit('t140')]);
    const outcomes = await store.commit([...ids.map((id) => submit(id)), ...ids.map((id) => lease(id, 2))]);
    const expected = new Array(100).fill(APPLIED);
    expected[20] = conflict(3);
    expected[70] = conflict(3);
    expected[40] = conflict(0);
    t.strictSame(outcomes, expected);
    t.strictSame(await counts(store), { leased: 50 });
    t.equal((await store.get(['t120']))[0]?.epoch, 3);
    t.equal((await store.get(['t140']))[0]?.epoch, 2);
  });

  check('operations on one task in one batch see each other', async (t, store) => {
    const batch: StoreOp[] = [
      submit('t1'),
      submit('t1'),
      lease('t1', 0),
      lease('t1', 1),
      extend('t1', 1, 7_000),
      complete('t1', 1),
      complete('t1', 1),
      submit('t2'),
      cancel('t2', 0),
      lease('t2', 1),
      retry('t2', 0),
      lease('t2', 1),
      submit('t3', {}, 9_000),
      lease('t3', 5),
      requeue('t3', 5),
    ];
    t.strictSame(await store.commit(batch), [
      APPLIED,
      conflict(0),
      conflict(0),
      APPLIED,
      APPLIED,
      APPLIED,
      conflict(1),
      APPLIED,
      APPLIED,
      conflict(0),
      APPLIED,
      APPLIED,
      APPLIED,
      APPLIED,
      APPLIED,
    ]);
    t.strictSame(await counts(store), { completed: 1, leased: 1, queued: 1 });
  });

  check('a lease needs a larger epoch, and voids the one before', async (t, store) => {
    await applied(t, store, [submit('t1')]);
    t.strictSame(await store.commit([lease('t1', 2), lease('t1', 2), lease('t1', 1), lease('t1', 7)]), [
      APPLIED,
      conflict(2),
      conflict(2),
      APPLIED,
    ]);
    t.strictSame(await store.commit([complete('t1', 2)]), [conflict(7)]);
    const [task] = await store.get(['t1']);
    t.match(task, { epoch: 7, attempts: 7, agentId: 'a1', leasedAt: 2_000 });
    t.strictSame(task?.current, { state: 'leased', lease: leaseOf('t1', 7) });
    t.strictSame(await store.commit([lease('nobody', 1)]), [conflict(null)]);
  });

  check('a finished task takes no further change', async (t, store) => {
    await applied(t, store, [submit('t1'), lease('t1', 1), complete('t1', 1)]);
    const late = [
      complete('t1', 1),
      fail('t1', 1),
      requeue('t1', 1),
      cancel('t1', 1),
      lease('t1', 2),
      extend('t1', 1, 9_000),
      retry('t1', 1),
    ];
    t.strictSame(
      await store.commit(late),
      late.map(() => conflict(1)),
    );
    t.strictSame((await store.get(['t1']))[0]?.history.length, 3);
  });

  check('what needs a lease is refused without it', async (t, store) => {
    await applied(t, store, [submit('t1')]);
    const early = [complete('t1', 0), fail('t1', 0), requeue('t1', 0), extend('t1', 0, 9_000)];
    t.strictSame(
      await store.commit(early),
      early.map(() => conflict(0)),
    );
    const unknown = [complete('x', 0), fail('x', 0), requeue('x', 0), extend('x', 0, 9), retry('x', 0)];
    t.strictSame(
      await store.commit(unknown),
      unknown.map(() => conflict(null)),
    );
  });

  check('a requeued task waits again, and its old lease is worth nothing', async (t, store) => {
    await applied(t, store, [submit('t1'), submit('t2'), lease('t1', 1), lease('t2', 1)]);
    await applied(t, store, [requeue('t1', 1), requeue('t2', 1, 9_000)]);
    const [one, two] = await store.get(['t1', 't2']);
    t.match(one, { current: { state: 'queued' }, epoch: 1, attempts: 1, agentId: 'a1', leasedAt: 2_000 });
    t.strictSame(one?.input, INPUT);
    t.strictSame(two?.current, { state: 'retrying', notBefore: 9_000, error: ERROR });
    t.strictSame(await store.commit([complete('t1', 1), complete('t2', 1)]), [conflict(1), conflict(1)]);
    await applied(t, store, [lease('t1', 2), complete('t1', 2), lease('t2', 2)]);
    t.strictSame((await store.get(['t2']))[0]?.current, { state: 'leased', lease: leaseOf('t2', 2) });
  });

  check('extend moves the deadline of the present lease only', async (t, store) => {
    await applied(t, store, [submit('t1'), lease('t1', 3)]);
    t.strictSame(await store.commit([extend('t1', 2, 8_000), extend('t1', 3, 8_000)]), [
      conflict(3),
      APPLIED,
    ]);
    const [task] = await store.get(['t1']);
    t.strictSame(task?.current, { state: 'leased', lease: { ...leaseOf('t1', 3), deadlineAt: 8_000 } });
  });

  check('cancel ends a task at the epoch its sender knows', async (t, store) => {
    await applied(t, store, [submit('t1'), submit('t2'), lease('t2', 4)]);
    t.strictSame(await store.commit([cancel('t1', 0), cancel('t2', 0), cancel('t2', 4), cancel('t9', 0)]), [
      APPLIED,
      conflict(4),
      APPLIED,
      conflict(null),
    ]);
    t.strictSame(await counts(store), { cancelled: 2 });
  });

  check('retry queues what ended badly, with no attempts and the epoch it had', async (t, store) => {
    const ids = ['t1', 't2', 't3', 't4'];
    await applied(t, store, [...ids.map((id) => submit(id)), ...ids.map((id) => lease(id, 2))]);
    await applied(t, store, [
      fail('t1', 2, 'failed'),
      fail('t2', 2, 'dead'),
      cancel('t3', 2),
      complete('t4', 2),
    ]);
    t.strictSame(await store.commit([retry('t1', 1), ...ids.map((id) => retry(id, 2)), retry('t1', 2)]), [
      conflict(2),
      APPLIED,
      APPLIED,
      APPLIED,
      conflict(2),
      conflict(2),
    ]);
    const [task] = await store.get(['t1']);
    t.match(task, { epoch: 2, attempts: 0, agentId: 'a1', current: { state: 'queued' } });
    t.strictSame(task?.input, INPUT);
    t.strictSame(await store.commit([complete('t1', 2), lease('t1', 2), lease('t1', 3)]), [
      conflict(2),
      conflict(2),
      APPLIED,
    ]);
    t.strictSame(await counts(store), { queued: 2, leased: 1, completed: 1 });
  });
}

function keysAreHeld(check: Check): void {
  check('an idempotency key makes one task, also within one batch', async (t, store) => {
    const duplicate = { status: 'duplicate', taskId: 't1' };
    t.strictSame(await store.commit([submit('t1', withKey('k')), submit('t2', withKey('k'))]), [
      APPLIED,
      duplicate,
    ]);
    t.strictSame(
      await store.commit([lease('t1', 1), complete('t1', 1), submit('t3', withKey('k')), lease('t3', 1)]),
      [APPLIED, APPLIED, duplicate, conflict(null)],
    );
    t.strictSame(await store.commit([submit('t1', withKey('k'))]), [duplicate], 'sent again');
    t.strictSame(await store.get(['t2', 't3']), [null, null]);
    t.strictSame([await store.keyHolder('k', 2_000), await store.keyHolder('l', 2_000)], ['t1', null]);
  });

  check('a key is free after its time, once its task is finished', async (t, store) => {
    const key = (submittedAt: number) => ({ ...withKey('k', submittedAt + 1_000), submittedAt });
    await applied(t, store, [submit('t1', key(1_000)), lease('t1', 1)]);
    const held = { status: 'duplicate', taskId: 't1' };
    t.strictSame(await store.commit([submit('t2', key(9_000))]), [held], 'unfinished');
    await applied(t, store, [complete('t1', 1)]);
    t.strictSame(await store.commit([submit('t2', key(1_999))]), [held], 'in its time');
    t.strictSame([await store.keyHolder('k', 1_999), await store.keyHolder('k', 2_000)], ['t1', null]);
    t.strictSame(await store.commit([submit('t2', key(2_000))]), [APPLIED]);
    t.strictSame(await store.commit([submit('t3', key(2_001))]), [{ status: 'duplicate', taskId: 't2' }]);
  });

  check('a key outlives its task, and no longer than its time', async (t, store) => {
    await applied(t, store, [submit('t1', withKey('k', 5_000)), lease('t1', 1), complete('t1', 1)]);
    t.equal(await store.prune({ ageMs: null, tasks: 0, bytes: null }, 3_000), 1);
    t.strictSame(await store.get(['t1']), [null]);
    t.equal(await store.keyHolder('k', 4_000), 't1');
    t.strictSame(await store.commit([submit('t2', { ...withKey('k'), submittedAt: 4_000 })]), [
      { status: 'duplicate', taskId: 't1' },
    ]);
    await store.prune({ ageMs: null, tasks: 0, bytes: null }, 5_000);
    t.strictSame(await store.commit([submit('t2', { ...withKey('k'), submittedAt: 5_000 })]), [APPLIED]);
  });

  check('an expired key stays with a task that waits, however often is pruned', async (t, store) => {
    await applied(t, store, [submit('t1', withKey('k', 2_000))]);
    for (const now of [3_000, 4_000, 90_000_000])
      await store.prune({ ageMs: 0, tasks: null, bytes: null }, now);
    t.strictSame(await store.commit([submit('t2', { ...withKey('k'), submittedAt: 90_000_001 })]), [
      { status: 'duplicate', taskId: 't1' },
    ]);
  });

  check(
    'a batch sees what it has done to the task that had a key, and not yet what it does later',
    async (t, store) => {
      const key = (submittedAt: number) => ({ ...withKey('k', submittedAt + 1_000), submittedAt });
      await applied(t, store, [submit('t1', key(1_000)), lease('t1', 1), complete('t1', 1)]);
      t.equal(await store.prune({ ageMs: null, tasks: 0, bytes: null }, 1_500), 1);
      const duplicate = { status: 'duplicate', taskId: 't1' };
      const again = [submit('t1'), submit('t2', key(9_000)), lease('t1', 1), submit('t3', key(9_000))];
      t.strictSame(await store.commit([...again, complete('t1', 1), submit('t4', key(9_000))]), [
        APPLIED,
        duplicate,
        APPLIED,
        duplicate,
        APPLIED,
        APPLIED,
      ]);
      t.equal((await store.get(['t1']))[0]?.current.state, 'completed');
      t.equal(await store.keyHolder('k', 9_500), 't4');
    },
  );

  check(
    'a task that is retried sees what its batch has done to the task that had its key',
    async (t, store) => {
      const key = (submittedAt: number) => ({ ...withKey('k', submittedAt + 1_000), submittedAt });
      await applied(t, store, [submit('t1', key(1_000)), cancel('t1', 0, 4_000)]);
      await applied(t, store, [submit('t2', key(3_000)), lease('t2', 1), complete('t2', 1, 3_500)]);
      t.equal(await store.prune({ ageMs: null, tasks: 1, bytes: null }, 3_900), 1);
      t.strictSame(await store.get(['t2']), [null]);
      await applied(t, store, [submit('t2'), lease('t2', 1), retry('t1', 0, 9_000), complete('t2', 1)]);
      t.strictSame(await store.commit([submit('t3', key(9_000))]), [APPLIED], 't2 had it when t1 came back');
    },
  );

  check('a retried task takes its key again, unless another one has it', async (t, store) => {
    const late = { ...withKey('k', 20_000), submittedAt: 10_000 };
    await applied(t, store, [submit('t1', withKey('k', 2_000)), cancel('t1', 0)]);
    await store.prune({ ageMs: null, tasks: null, bytes: null }, 3_000);
    await applied(t, store, [retry('t1', 0, 9_000)]);
    t.strictSame(await store.commit([submit('t2', late)]), [{ status: 'duplicate', taskId: 't1' }]);
    await applied(t, store, [cancel('t1', 0), submit('t2', late), retry('t1', 0, 11_000)]);
    t.strictSame(await store.commit([submit('t3', late)]), [{ status: 'duplicate', taskId: 't2' }]);
  });
}

function historyIsKept(check: Check): void {
  check('history says what happened, oldest first', async (t, store) => {
    await applied(t, store, [submit('t1'), lease('t1', 1), extend('t1', 1, 4_000)]);
    await applied(t, store, [requeue('t1', 1, 9_000, 'timeout'), lease('t1', 2), fail('t1', 2)]);
    await applied(t, store, [retry('t1', 2), lease('t1', 3), complete('t1', 3), submit('t2')]);
    await applied(t, store, [cancel('t2', 0)]);
    const detail = `${ERROR.name}: ${ERROR.message}`;
    const leased = (attempt: number) => ({ event: 'lease', at: 2_000, attempt, agentId: 'a1' });
    const [one, two] = await store.get(['t1', 't2']);
    t.strictSame(one?.history, [
      { event: 'submit', at: 1_000 },
      leased(1),
      { event: 'timeout', at: 2_400, detail },
      leased(2),
      { event: 'fail', at: 2_500, detail },
      { event: 'retry', at: 2_600 },
      leased(3),
      { event: 'complete', at: 2_500 },
    ]);
    t.strictSame(two?.history, [
      { event: 'submit', at: 1_000 },
      { event: 'cancel', at: 2_500 },
    ]);
  });

  check('a long history keeps its first entry and the latest', async (t, store) => {
    await applied(t, store, [submit('t1')]);
    for (let epoch = 1; epoch <= 40; epoch++) {
      await applied(t, store, [lease('t1', epoch), requeue('t1', epoch)]);
      const [task] = await store.get(['t1']);
      t.equal(task?.history.length, Math.min(1 + 2 * epoch, HISTORY_LIMIT));
    }
    await applied(t, store, [lease('t1', 41), complete('t1', 41)]);
    const history = (await store.get(['t1']))[0]?.history ?? [];
    t.equal(history.length, HISTORY_LIMIT);
    t.equal(history[0]?.event, 'submit');
    t.equal(history.at(-1)?.event, 'complete');
    t.strictSame(
      history.filter(({ event }) => event === 'lease').map(({ attempt }) => attempt),
      Array.from({ length: 15 }, (_, i) => i + 27),
    );
  });
}

function readsAnswer(check: Check): void {
  check('load gives unfinished tasks in the order of submission, without their inputs', async (t, store) => {
    await applied(t, store, [
      submit('t3'),
      submit('t1'),
      submit('t2'),
      submit('t9'),
      submit('t5', {}, 7_000),
    ]);
    await applied(t, store, [lease('t3', 1), lease('t1', 1), complete('t1', 1), lease('t9', 1)]);
    await applied(t, store, [requeue('t9', 1, 8_000), submit('t4'), cancel('t4', 0), fail('t3', 1)]);
    await applied(t, store, [retry('t3', 1), lease('t3', 2)]);
    const { tasks } = await recover(store);
    const common = { agentId: 'a1', leasedAt: 2_000, inputBytes: 3 };
    const fresh = { epoch: 0, attempts: 0, agentId: null, leasedAt: null, inputBytes: 3 };
    t.strictSame(tasks, [
      {
        ...common,
        spec: spec('t3'),
        epoch: 2,
        attempts: 2,
        current: { state: 'leased', lease: leaseOf('t3', 2) },
      },
      { ...fresh, spec: spec('t2'), current: { state: 'queued' } },
      {
        ...common,
        spec: spec('t9'),
        epoch: 1,
        attempts: 1,
        current: { state: 'retrying', notBefore: 8_000, error: ERROR },
      },
      { ...fresh, spec: spec('t5'), current: { state: 'delayed', notBefore: 7_000 } },
    ]);
  });

  check('load comes in chunks of some thousands', async (t, store) => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `t${100_000 + i}`);
    await applied(
      t,
      store,
      ids.map((id) => submit(id)),
    );
    await applied(
      t,
      store,
      ids.slice(0, 100).map((id) => cancel(id, 0)),
    );
    const { tasks, chunks } = await recover(store);
    t.strictSame(
      tasks.map((task) => task.spec.taskId),
      ids.slice(100),
    );
    t.ok(chunks.length > 1 && chunks.every((length) => length >= 1 && length <= 5_000), chunks.join());
  });

  check('an empty store has nothing to recover', async (t, store) => {
    t.strictSame(await recover(store), { sessions: [], ticketKeys: [], chunks: [], tasks: [] });
    t.strictSame(await counts(store), {});
    t.strictSame(await store.list({ limit: 10 }), []);
  });

  check('readInputs gives those of unfinished tasks, in the order asked', async (t, store) => {
    const ids = Array.from({ length: 300 }, (_, i) => `t${i}`);
    await applied(
      t,
      store,
      ids.map((id, i) => submit(id, {}, null, new Uint8Array(i).fill(i))),
    );
    await applied(t, store, [lease('t7', 1), complete('t7', 1)]);
    const inputs = await store.readInputs(['t299', 'nobody', 't7', 't0', 't5', 't5']);
    t.strictSame(
      inputs.map((input) => input?.byteLength ?? null),
      [299, null, null, 0, 5, 5],
    );
    t.ok(inputs[0]?.every((byte) => byte === 299 % 256));
    t.strictSame(await store.readInputs([]), []);
  });

  check('readStates and readResults say what is asked alone, in the order asked', async (t, store) => {
    await applied(t, store, [
      submit('t1'),
      submit('t2', {}, 9_000),
      submit('t3'),
      lease('t3', 1),
      submit('t4'),
      lease('t4', 1),
      complete('t4', 1),
      submit('t5'),
      lease('t5', 1),
      complete('t5', 1, 2_600, new Uint8Array(0)),
      submit('t6'),
      lease('t6', 1),
      fail('t6', 1),
    ]);
    const ids = ['t6', 'nobody', 't5', 't4', 't3', 't2', 't1', 't4'];
    t.strictSame(await store.readStates(ids), [
      'dead',
      null,
      'completed',
      'completed',
      'leased',
      'delayed',
      'queued',
      'completed',
    ]);
    const empty = new Uint8Array(0);
    t.strictSame(await store.readResults(ids), [null, null, empty, RESULT, null, null, null, RESULT]);
    t.strictSame([await store.readStates([]), await store.readResults([])], [[], []]);
    await store.prune({ ageMs: null, tasks: 0, bytes: null }, 5_000);
    t.strictSame(await store.readStates(['t4', 't6', 't1']), [null, null, 'queued']);
    t.strictSame(await store.readResults(['t4']), [null]);
  });

  check('list filters, newest first, up to its limit', async (t, store) => {
    await applied(t, store, [submit('t1'), submit('t2', { kind: 'other' }), submit('t3'), lease('t3', 1)]);
    await applied(t, store, [submit('t4'), lease('t4', 1), complete('t4', 1), submit('t5'), lease('t5', 1)]);
    await applied(t, store, [fail('t5', 1), submit('t0', { kind: 'other' }, 8_000)]);
    const ids = async (filter: Parameters<Store['list']>[0]) =>
      (await store.list(filter)).map((task) => task.spec.taskId);
    t.strictSame(await ids({ limit: 10 }), ['t5', 't4', 't3', 't2', 't1', 't0']);
    t.strictSame(await ids({ limit: 2 }), ['t5', 't4']);
    t.strictSame(await ids({ limit: 0 }), []);
    t.strictSame(await ids({ limit: 10, kind: 'compute' }), ['t5', 't4', 't3', 't1']);
    t.strictSame(await ids({ limit: 10, state: 'queued' }), ['t2', 't1']);
    t.strictSame(await ids({ limit: 10, state: 'dead' }), ['t5']);
    t.strictSame(await ids({ limit: 10, state: 'failed' }), []);
    t.strictSame(await ids({ limit: 10, state: 'delayed', kind: 'other' }), ['t0']);
    t.strictSame(await ids({ limit: 10, state: 'leased', kind: 'other' }), []);
    t.strictSame(await ids({ limit: 2, before: 't4' }), ['t3', 't2']);
    t.strictSame(await ids({ limit: 2, before: 't3z', kind: 'other' }), ['t2', 't0']);
    t.strictSame(await ids({ limit: 2, before: 't0' }), []);
  });

  check('a listed task has neither bytes nor story', async (t, store) => {
    await applied(t, store, [submit('t1'), lease('t1', 1), complete('t1', 1)]);
    t.strictSame(await store.list({ limit: 1 }), [
      {
        spec: spec('t1'),
        epoch: 1,
        attempts: 1,
        agentId: 'a1',
        leasedAt: 2_000,
        current: { state: 'completed', finishedAt: 2_500, runMs: 400 },
      },
    ]);
  });

  check('count follows every change', async (t, store) => {
    const steps: readonly (readonly [StoreOp[], Record<string, number>])[] = [
      [[submit('t1'), submit('t2', {}, 9), submit('t3')], { queued: 2, delayed: 1 }],
      [[lease('t1', 1), lease('t2', 1), lease('t1', 2)], { queued: 1, leased: 2 }],
      [[requeue('t1', 2), requeue('t2', 1, 9)], { queued: 2, retrying: 1 }],
      [
        [lease('t1', 3), lease('t2', 3), complete('t1', 3), fail('t2', 3, 'failed')],
        { queued: 1, completed: 1, failed: 1 },
      ],
      [[cancel('t3', 0), retry('t2', 3)], { queued: 1, completed: 1, cancelled: 1 }],
      [[cancel('t2', 3)], { completed: 1, cancelled: 2 }],
    ];
    for (const [operations, expected] of steps) {
      await applied(t, store, operations);
      t.strictSame(await counts(store), expected);
    }
    await store.prune({ ageMs: null, tasks: 0, bytes: null }, 5_000);
    t.strictSame(await counts(store), {});
  });

  check('what was read does not change afterwards', async (t, store) => {
    await applied(t, store, [submit('t1')]);
    const [before] = await store.get(['t1']);
    const [listed] = await store.list({ limit: 1 });
    const [loaded] = (await recover(store)).tasks;
    await applied(t, store, [lease('t1', 1), complete('t1', 1)]);
    t.equal(before?.current.state, 'queued');
    t.equal(before?.history.length, 1);
    t.equal(listed?.current.state, 'queued');
    t.equal(loaded?.current.state, 'queued');
  });
}

function pruneBounds(check: Check): void {
  /** Five finished tasks of 10 bytes each: t0 first at 1000, t4 last at 1400; and one that is not. */
  const five = async (t: Test, store: Store) => {
    const ids = ['t0', 't1', 't2', 't3', 't4'];
    await applied(t, store, [
      submit('waits'),
      ...ids.map((id) => submit(id)),
      ...ids.map((id) => lease(id, 1)),
    ]);
    // not in the order in which they end
    for (const i of [3, 0, 4, 2, 1]) {
      await applied(t, store, [complete(`t${i}`, 1, 1_000 + 100 * i, new Uint8Array(10))]);
    }
  };
  const kept = async (store: Store) =>
    (await store.list({ limit: 10 })).map((task) => task.spec.taskId).reverse();
  const none = { ageMs: null, tasks: null, bytes: null };

  check('prune keeps everything without a bound, and whatever is within all of them', async (t, store) => {
    await five(t, store);
    t.equal(await store.prune(none, 1_000_000), 0);
    t.equal(await store.prune({ ageMs: 1_000, tasks: 5, bytes: 50 }, 2_000), 0);
    t.equal((await kept(store)).length, 6);
  });

  check('prune by age', async (t, store) => {
    await five(t, store);
    t.equal(await store.prune({ ...none, ageMs: 1_000 }, 2_100), 1, 't1 is just old enough to stay');
    t.equal(await store.prune({ ...none, ageMs: 1_000 }, 2_101), 1);
    t.strictSame(await kept(store), ['t2', 't3', 't4', 'waits']);
  });

  check('prune by number, the earliest finished first', async (t, store) => {
    await five(t, store);
    t.equal(await store.prune({ ...none, tasks: 2 }, 2_000), 3);
    t.strictSame(await kept(store), ['t3', 't4', 'waits']);
    t.strictSame(await counts(store), { completed: 2, queued: 1 });
    t.equal(await store.prune({ ...none, tasks: 0 }, 2_000), 2);
  });

  check('prune by bytes counts inputs, results and errors', async (t, store) => {
    await five(t, store);
    t.equal(await store.prune({ ...none, bytes: 49 }, 2_000), 1);
    await applied(t, store, [submit('c', {}, null, new Uint8Array(20)), cancel('c', 0, 3_000)]);
    t.equal(await store.prune({ ...none, bytes: 60 }, 2_000), 0);
    await applied(t, store, [submit('f', {}, null, new Uint8Array(20)), lease('f', 1)]);
    await applied(t, store, [fail('f', 1, 'dead', 3_100)]);
    const pruned = await store.prune({ ...none, bytes: 110 }, 2_000);
    t.ok(pruned > 0, 'the error weighs as well');
    await applied(t, store, [retry('f', 1)]);
    t.equal(await store.prune({ ...none, bytes: 110 }, 2_000), 0, 'a retried task weighs nothing');
    t.equal(await store.prune({ ...none, bytes: 0 }, 2_000), 5 - pruned);
    t.strictSame(await kept(store), ['f', 'waits']);
  });

  check('a retried task is not pruned for what it was', async (t, store) => {
    await applied(t, store, [submit('t1'), cancel('t1', 0, 1_000), retry('t1', 0)]);
    t.equal(await store.prune({ ageMs: 0, tasks: 0, bytes: 0 }, 9_000), 0);
    await applied(t, store, [cancel('t1', 0, 8_000), submit('t2'), cancel('t2', 0, 2_000)]);
    t.equal(await store.prune({ ...none, tasks: 1 }, 9_000), 1);
    t.strictSame(await kept(store), ['t1']);
  });

  check('prune deletes thousands, and commits go on meanwhile', async (t, store) => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `t${10_000 + i}`);
    await applied(
      t,
      store,
      ids.map((id) => submit(id)),
    );
    await applied(
      t,
      store,
      ids.map((id, i) => cancel(id, 0, 1_000 + i)),
    );
    const [pruned] = await Promise.all([
      store.prune({ ...none, tasks: 10 }, 5_000),
      applied(t, store, [submit('new')]),
      applied(t, store, [lease('new', 1)]),
    ]);
    t.equal(pruned, 2_990);
    t.strictSame(await counts(store), { cancelled: 10, leased: 1 });
    t.strictSame(
      await store
        .get([ids[2_989] ?? '', ids[2_990] ?? ''])
        .then((tasks) => tasks.map((task) => task !== null)),
      [false, true],
    );
  });
}

function theRestIsKept(check: Check): void {
  check('sessions are written over and dropped', async (t, store) => {
    await applied(t, store, [
      { op: 'put-session', session: session('a1', 'old') },
      { op: 'put-session', session: session('a2', 'two') },
      { op: 'put-session', session: { ...session('a3', 'x'), certificate: 'cc', previousTokenHash: 'p' } },
      { op: 'put-session', session: session('a1', 'new') },
      { op: 'drop-session', agentId: 'a2' },
      { op: 'drop-session', agentId: 'nobody' },
    ]);
    t.strictSame((await recover(store)).sessions, [
      session('a1', 'new'),
      { ...session('a3', 'x'), certificate: 'cc', previousTokenHash: 'p' },
    ]);
  });

  check('ticket keys come newest first, each as it was first put', async (t, store) => {
    const ticketKey = (keyId: string, createdAt: number) => ({
      keyId,
      key: new Uint8Array(48).fill(createdAt),
      createdAt,
    });
    const put = (keyId: string, createdAt: number): StoreOp => ({
      op: 'put-ticket-key',
      ticketKey: ticketKey(keyId, createdAt),
    });
    await applied(t, store, [put('k1', 1), put('k3', 3), put('k2', 2), put('k1', 9)]);
    await applied(t, store, [
      { op: 'drop-ticket-key', keyId: 'k2' },
      { op: 'drop-ticket-key', keyId: 'k2' },
    ]);
    t.strictSame((await recover(store)).ticketKeys, [ticketKey('k3', 3), ticketKey('k1', 1)]);
  });

  check('a nonce is consumed once, also within one batch', async (t, store) => {
    const nonce = (value: string, expiresAt = 5_000) => ({ value, expiresAt });
    t.strictSame(await store.consumeNonces([nonce('a'), nonce('a'), nonce('b')], 1_000), [true, false, true]);
    t.strictSame(await store.consumeNonces([nonce('b'), nonce('c')], 2_000), [false, true]);
    t.strictSame(await store.consumeNonces([nonce('d', 2_000)], 2_000), [false], 'expired already');
    t.strictSame(await store.consumeNonces([], 2_000), []);
    await store.prune({ ageMs: null, tasks: null, bytes: null }, 4_999);
    t.strictSame(await store.consumeNonces([nonce('a')], 4_999), [false], 'not before it expires');
  });

  check('a nonce is fresh for one of many at once', async (t, store) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => store.consumeNonces([{ value: 'x', expiresAt: 9 }], 1)),
    );
    t.equal(answers.flat().filter(Boolean).length, 1);
  });

  check('entries are kept by collection and key, and read in the order of their keys', async (t, store) => {
    const put = (collection: Collection, key: string, value: string): StoreOp => ({
      op: 'put-entry',
      entry: { collection, key, value: new TextEncoder().encode(value) },
    });
    const read = async (collection: Collection, after: string | null, limit: number) =>
      (await store.readEntries({ collection, after, limit })).map(({ key, value }) => [
        key,
        new TextDecoder().decode(value),
      ]);
    // UTF-8 puts U+1F600 after U+FF5E, UTF-16 before it
    const keys = ['a', 'b', 'B', '\u{ff5e}', '\u{1f600}'];
    await applied(t, store, [
      ...keys.map((key) => put('memory', key, `1${key}`)),
      put('schedule', 'a', 'other'),
    ]);
    await applied(t, store, [
      put('memory', 'b', '2'),
      put('memory', 'a', ''),
      { op: 'drop-entry', collection: 'memory', key: 'B' },
      { op: 'drop-entry', collection: 'memory', key: 'never was' },
    ]);
    const all = [
      ['a', ''],
      ['b', '2'],
      ['\u{ff5e}', '1\u{ff5e}'],
      ['\u{1f600}', '1\u{1f600}'],
    ];
    t.strictSame(await read('memory', null, 10), all);
    t.strictSame(await read('memory', null, 2), all.slice(0, 2));
    t.strictSame(await read('memory', 'b', 1), all.slice(2, 3));
    t.strictSame(await read('memory', '\u{1f600}', 1), []);
    t.strictSame(await read('schedule', null, 10), [['a', 'other']]);
    t.strictSame(await read('checkpoint', null, 10), []);
  });

  check('experiences are recorded once and read newest first', async (t, store) => {
    await applied(t, store, [
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
    t.strictSame(await ids({ limit: 10, agentId: 'a2', taskId: 't1' }), []);
    t.strictSame(await store.readExperiences({ limit: 10, taskId: 't1' }), [
      experience('e1', { taskId: 't1' }),
    ]);
  });
}

function callsAreOrdered(check: Check): void {
  check('batches take effect in the order of the calls', async (t, store) => {
    const outcomes = await Promise.all([
      store.commit([submit('t1')]),
      store.commit([lease('t1', 1)]),
      store.commit([]),
      store.commit([complete('t1', 1), complete('t2', 1)]),
    ]);
    t.strictSame(outcomes, [[APPLIED], [APPLIED], [], [APPLIED, conflict(null)]]);
  });

  check('many batches at once keep their own outcomes', async (t, store) => {
    const ids = Array.from({ length: 200 }, (_, i) => `t${i % 100}`);
    const outcomes = await Promise.all(ids.map((id) => store.commit([submit(id)])));
    t.strictSame(
      outcomes.map(([outcome]) => outcome),
      ids.map((_, i) => (i < 100 ? APPLIED : conflict(0))),
    );
    t.strictSame(await counts(store), { queued: 100 });
  });

  check('a closed store refuses everything by name', async (t, store) => {
    const { tasks } = await store.load();
    const underway = store.commit([submit('t1')]);
    await Promise.all([store.close(), store.close()]);
    t.strictSame(await underway, [APPLIED]);
    const calls: Promise<unknown>[] = [
      store.commit([submit('t1')]),
      store.load(),
      store.readInputs(['t1']),
      store.readStates(['t1']),
      store.readResults(['t1']),
      store.keyHolder('k', 1),
      store.get(['t1']),
      store.list({ limit: 1 }),
      store.count(),
      store.prune({ ageMs: null, tasks: null, bytes: null }, 1),
      store.consumeNonces([{ value: 'a', expiresAt: 2 }], 1),
      store.readExperiences({ limit: 1 }),
      tasks[Symbol.asyncIterator]().next(),
    ];
    for (const [index, result] of (await Promise.allSettled(calls)).entries()) {
      t.equal(
        result.status === 'rejected' && result.reason instanceof StoreError && result.reason.reason,
        'CLOSED',
        `${index}`,
      );
    }
  });
}

/** What only a durable store can promise. */
function everythingSurvives(
  name: string,
  open: Adapter['open'],
  reopen: NonNullable<Adapter['reopen']>,
): void {
  void t.test(`${name}: everything is there in its next life`, async (t) => {
    let store = await open(t);
    t.teardown(() => store.close());
    const ticketKey = { keyId: 'k', key: new Uint8Array(48).fill(7), createdAt: 5 };
    await applied(t, store, [
      submit('t1', withKey('k1')),
      submit('t2', { affinity: 'x', timeoutMs: 1.5 }, 7_000),
      submit('t3'),
      lease('t3', 4),
      submit('t4', withKey('k4')),
      lease('t4', 1),
      complete('t4', 1),
      submit('t5'),
      lease('t5', 1),
      fail('t5', 1),
      { op: 'put-session', session: session('a1', 'hash') },
      { op: 'put-ticket-key', ticketKey },
      { op: 'append-experience', experience: experience('e1') },
    ]);
    await store.consumeNonces([{ value: 'n', expiresAt: 9_000 }], 1_000);
    const read = async () => ({
      recovered: await recover(store),
      tasks: await store.get(['t1', 't2', 't3', 't4', 't5', 't6']),
      list: await store.list({ limit: 10 }),
      counts: await counts(store),
      experiences: await store.readExperiences({ limit: 10 }),
    });
    const before = await read();
    store = await reopen(t, store);
    t.strictSame(await read(), before);
    t.strictSame(await store.consumeNonces([{ value: 'n', expiresAt: 9_000 }], 1_001), [false]);
    t.strictSame(
      await store.commit([
        submit('t6', withKey('k4')),
        submit('t7', withKey('k1')),
        complete('t3', 4),
        submit('t8'),
      ]),
      [{ status: 'duplicate', taskId: 't4' }, { status: 'duplicate', taskId: 't1' }, APPLIED, APPLIED],
    );
    t.equal(await store.prune({ ageMs: null, tasks: 1, bytes: null }, 9_000), 2);
    store = await reopen(t, store);
    t.strictSame(await counts(store), { queued: 2, delayed: 1, dead: 1 });
    t.strictSame(
      (await recover(store)).tasks.map((task) => task.spec.taskId),
      ['t1', 't2', 't8'],
    );
  });
}
