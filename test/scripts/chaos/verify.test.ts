import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LoadResult } from '../../../scripts/chaos/load.js';
import { verify } from '../../../scripts/chaos/verify.js';
import { keyOf, resultOf } from '../../../scripts/chaos/work.js';
import { encodeValue } from '../../../src/index.js';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { StoreOp } from '../../../src/store/store.js';

const SEED = 5;
const AT = 1_700_000_000_000;

function submitted(number: number): StoreOp {
  const spec = {
    taskId: `task-${number}`,
    kind: 'compute',
    priority: 5,
    timeoutMs: 1000,
    maxAttempts: 3,
    idempotencyKey: keyOf(SEED, number),
    keyHeldUntil: AT + 1000,
    affinity: null,
    submittedAt: AT,
  };
  return { op: 'submit', spec, input: encodeValue(number), notBefore: null };
}

function completed(number: number, result: unknown): StoreOp[] {
  const lease = {
    taskId: `task-${number}`,
    attempt: 1,
    epoch: 1,
    agentId: 'a',
    coordinatorId: 'c',
    leasedAt: AT,
    deadlineAt: AT + 1000,
  };
  return [
    { op: 'lease', lease },
    {
      op: 'complete',
      taskId: `task-${number}`,
      epoch: 1,
      finishedAt: AT + 1,
      runMs: 1,
      result: encodeValue(result),
    },
  ];
}

void t.test('what is lost, wrong or twice is found in the files', async (t) => {
  const directory = t.testdir();
  const store = await openSqliteStore({ directory: join(directory, 'data'), durability: 'normal' });
  await store.commit([
    ...[1, 2, 3, 4].map(submitted),
    ...completed(1, resultOf(1)),
    ...completed(2, resultOf(1)),
    ...completed(4, resultOf(4)),
  ]);
  await store.close();
  const executions = join(directory, 'executions');
  mkdirSync(executions);
  writeFileSync(join(executions, '1.txt'), '1\n2\n1\n');

  const load: LoadResult = {
    submitted: 5,
    acknowledged: new Map([1, 2, 3, 4, 5].map((number) => [number, `task-${number}`])),
    completed: 2,
    problems: [],
    unfinished: [],
    repeated: 0,
    longestMs: 0,
  };
  const verdict = await verify(SEED, load, join(directory, 'data', 'swarm.sqlite'), executions);
  t.match(verdict, { lost: 2, wrong: 1, endedTwice: 0, ranTwice: 1, executions: 3 });
  const told = verdict.problems.join('\n');
  t.match(told, /task 2 is stored with \{"number":1/);
  t.match(told, /task 3 \(task-3\) was acknowledged and is queued/);
  t.match(told, /task 5 \(task-5\) was acknowledged and is nowhere/);
  t.match(told, /task 4 has a result and never ran/);
});
