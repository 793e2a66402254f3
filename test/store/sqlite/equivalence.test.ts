import { deepStrictEqual } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { TaskSpec } from '../../../src/store/records.js';
import type { Store, StoreOp } from '../../../src/store/store.js';
import {
  cancel,
  complete,
  counts,
  experience,
  extend,
  fail,
  lease,
  recover,
  release,
  requeue,
  retry,
  session,
  submit,
  unmet,
} from '../operations.js';

/** Few ids, epochs and keys, so that operations meet each other. Ids do not come in the order of submission. */
const id = fc.constantFrom('t3', 't1', 't5', 't2', 't4');
const epoch = fc.integer({ min: 0, max: 3 });
const time = fc.integer({ min: 1_000, max: 1_010 });
const key = fc.option(fc.constantFrom('k1', 'k2'), { nil: null });
const bytes = fc.uint8Array({ maxLength: 20 });

const needs: fc.Arbitrary<Partial<TaskSpec>> = fc.oneof(
  fc.constant({}),
  fc
    .record({
      taskIds: fc.uniqueArray(id, { minLength: 1, maxLength: 3 }),
      onFailed: fc.constantFrom('fail', 'skip'),
      named: fc.nat({ max: 3 }),
    })
    .map(({ taskIds, onFailed, named }) => ({
      needs: { taskIds, onFailed, inserts: taskIds.slice(0, named) },
    })),
);

const submits: fc.Arbitrary<StoreOp> = fc
  .record({ id, key, time, heldFor: fc.integer({ min: 0, max: 8 }), delayed: fc.boolean(), needs, bytes })
  .map(({ id, key, time, heldFor, delayed, needs, bytes }) =>
    submit(
      id,
      {
        submittedAt: time,
        idempotencyKey: key,
        keyHeldUntil: key === null ? null : time + heldFor,
        ...needs,
      },
      delayed ? time + 5 : null,
      bytes,
    ),
  );
const changes: fc.Arbitrary<StoreOp> = fc.oneof(
  fc.tuple(id, epoch).map(([id, epoch]) => lease(id, epoch)),
  fc.tuple(id, epoch).map(([id, epoch]) => extend(id, epoch, 4_000)),
  fc.tuple(id, epoch, bytes).map(([id, epoch, bytes]) => complete(id, epoch, 0, bytes)),
  fc
    .tuple(id, epoch, fc.constantFrom('failed', 'dead'))
    .map(([id, epoch, state]) => fail(id, epoch, state, 0)),
  fc.tuple(id, epoch, fc.option(time, { nil: null })).map(([id, epoch, at]) => requeue(id, epoch, at)),
  fc.tuple(id, epoch).map(([id, epoch]) => cancel(id, epoch, 0)),
  fc.tuple(id, epoch, time).map(([id, epoch, at]) => retry(id, epoch, at)),
);
/** Most at the epoch that a blocked task has. */
const waits: fc.Arbitrary<StoreOp> = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(id, fc.option(bytes, { nil: null }), fc.option(time, { nil: null }))
        .map(([id, input, notBefore]) => release(id, input, notBefore)),
      fc.tuple(id, fc.constantFrom('failed', 'cancelled')).map(([id, state]) => unmet(id, state, 0)),
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: epoch }),
  )
  .map(([operation, epoch]): StoreOp => ({ ...operation, epoch }));
const others: fc.Arbitrary<StoreOp> = fc.oneof(
  fc
    .tuple(id, fc.constantFrom('h1', 'h2'))
    .map(([id, hash]): StoreOp => ({ op: 'put-session', session: session(id, hash) })),
  id.map((agentId): StoreOp => ({ op: 'drop-session', agentId })),
  fc
    .tuple(id, id)
    .map(([id, agentId]): StoreOp => ({ op: 'append-experience', experience: experience(id, { agentId }) })),
);
const operation = fc.oneof(
  { weight: 3, arbitrary: submits },
  { weight: 6, arbitrary: changes },
  { weight: 3, arbitrary: waits },
  { weight: 1, arbitrary: others },
);

/** The usual course of plain new tasks, of some or all of it, which the store may write at once. */
const courses: fc.Arbitrary<StoreOp[]> = fc
  .uniqueArray(id, { minLength: 1, maxLength: 3 })
  .chain((ids) =>
    fc.tuple(...ids.map((id) => fc.tuple(fc.constant(id), fc.integer({ min: 1, max: 3 }), bytes, bytes))),
  )
  .map((tasks) => [
    ...tasks.map(([id, , input]) => submit(id, { submittedAt: 1_001 }, null, input)),
    ...tasks.filter(([, steps]) => steps > 1).map(([id]) => lease(id, 1)),
    ...tasks.filter(([, steps]) => steps > 2).map(([id, , , result]) => complete(id, 1, 0, result)),
  ]);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(operation, { maxLength: 12 })
      .map((operations) => ({ type: 'commit' as const, operations })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(courses, fc.array(operation, { maxLength: 3 }), fc.nat({ max: 8 }))
      .map(([course, others, place]) => ({
        type: 'commit' as const,
        operations: [...course.slice(0, place), ...others, ...course.slice(place)],
      })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('prune' as const),
      rule: fc.record({
        ageMs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
        tasks: fc.option(fc.integer({ min: 0, max: 4 }), { nil: null }),
        bytes: fc.option(fc.integer({ min: 0, max: 60 }), { nil: null }),
      }),
      now: time,
      late: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(id, time, time)
      .map(([value, expiresAt, now]) => ({ type: 'nonce' as const, value, expiresAt, now })),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/**
 * What happens, happens at a time of its own, later than all before it: the order of ends at one time is the adapter's
 * affair, and when it forgets a key whose time is over too.
 */
function atOwnTime(operation: StoreOp, now: number): StoreOp {
  if (operation.op === 'submit') {
    const { spec, notBefore } = operation;
    const { submittedAt, keyHeldUntil } = spec;
    const moved = (time: number | null) => (time === null ? null : time - submittedAt + now);
    return {
      ...operation,
      spec: { ...spec, submittedAt: now, keyHeldUntil: moved(keyHeldUntil) },
      notBefore: moved(notBefore),
    };
  }
  if (operation.op === 'retry') return { ...operation, at: now };
  return 'finishedAt' in operation ? { ...operation, finishedAt: now } : operation;
}

async function play(store: Store, step: Step, clock: { now: number }): Promise<unknown> {
  switch (step.type) {
    case 'commit':
      return store.commit(step.operations.map((operation) => atOwnTime(operation, clock.now++)));
    case 'prune':
      return store.prune(step.rule, step.late ? clock.now : Math.min(step.now, clock.now));
    case 'nonce':
      return store.consumeNonces([{ value: step.value, expiresAt: step.expiresAt }], step.now);
  }
}

const IDS = ['t1', 't2', 't3', 't4', 't5'];

async function everything(store: Store): Promise<unknown> {
  return {
    tasks: await store.get(IDS),
    inputs: await store.readInputs(IDS),
    list: await store.list({ limit: 3 }),
    dead: await store.list({ limit: 3, state: 'dead' }),
    blocked: await store.list({ limit: 3, state: 'blocked' }),
    older: await store.list({ limit: 3, before: 't4', kind: 'compute' }),
    counts: await counts(store),
    recovered: await recover(store),
    experiences: await store.readExperiences({ limit: 10 }),
  };
}

void t.test('both stores say the same whatever happens', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'swarm-store-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const memory = new MemoryStore();
      const directory = join(root, String(runs++));
      const tuning = { reserveBytes: 0, listStepRows: 2 };
      let sqlite = await openSqliteStore({ directory, durability: 'normal', tuning });
      try {
        const clocks = [{ now: 1_000 }, { now: 1_000 }] as const;
        for (const step of steps) {
          const expected = await play(memory, step, clocks[0]);
          deepStrictEqual(await play(sqlite, step, clocks[1]), expected);
        }
        const expected = await everything(memory);
        deepStrictEqual(await everything(sqlite), expected);
        await sqlite.close();
        sqlite = await openSqliteStore({ directory, durability: 'normal', tuning });
        deepStrictEqual(await everything(sqlite), expected, 'in its next life');
      } finally {
        await sqlite.close();
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 25 },
  );
  t.equal(runs >= 25, true);
});
