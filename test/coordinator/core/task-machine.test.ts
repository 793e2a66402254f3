import fc from 'fast-check';
import t from 'tap';
import { TaskJournal } from '../../../src/coordinator/core/tasks/task-journal.js';
import {
  transition as applyTransition,
  TRANSITIONS,
  UndefinedTransitionError,
  type TaskEvent,
} from '../../../src/coordinator/core/tasks/task-machine.js';
import { summarize } from '../../../src/coordinator/core/tasks/task-summary.js';
import { createTask, isFinished, type Task } from '../../../src/coordinator/core/tasks/task.js';
import { TASK_STATES, type TaskState } from '../../../src/protocol/messages.js';

const journal = new TaskJournal();
const transition = (task: Task, event: TaskEvent) => applyTransition(task, event, journal);
let ids = 0;

const ERROR = { name: 'BOOM', message: 'it went wrong', retryable: true };

function task(maxAttempts = 2, notBefore: number | null = null, needs = false): Task {
  return createTask(
    {
      taskId: `t${++ids}`,
      kind: 'compute',
      priority: 5,
      timeoutMs: 100,
      maxAttempts,
      idempotencyKey: null,
      keyHeldUntil: null,
      affinity: null,
      submittedAt: 1_000,
      ...(needs ? { needs: { taskIds: ['other'], onFailed: 'fail', inserts: [] } as const } : {}),
    },
    new Uint8Array(1),
    notBefore,
  );
}

function lease(one: Task, at = 1_010): TaskEvent {
  return {
    type: 'lease',
    at,
    lease: {
      taskId: one.spec.taskId,
      attempt: one.attempts + 1,
      epoch: one.epoch + 1,
      agentId: 'a1',
      coordinatorId: 'c1',
      leasedAt: at,
      deadlineAt: at + 100,
    },
  };
}

const events = {
  due: { type: 'due', at: 1_020 },
  progress: { type: 'progress', at: 1_020, fraction: 0.5 },
  complete: { type: 'complete', at: 1_020, runMs: 5, result: new Uint8Array([1]) },
  fail: { type: 'fail', at: 1_020, runMs: 5, error: ERROR, retryAt: 2_000 },
  failForGood: { type: 'fail', at: 1_020, runMs: 5, error: { ...ERROR, retryable: false }, retryAt: 2_000 },
  timeout: { type: 'timeout', at: 1_020, error: ERROR, retryAt: 2_000 },
  lost: { type: 'lost', at: 1_020, error: ERROR },
  cancel: { type: 'cancel', at: 1_020 },
  retry: { type: 'retry', at: 1_020 },
} as const satisfies Record<string, TaskEvent>;

type Step = keyof typeof events | 'lease';

function play(one: Task, ...steps: Step[]): TaskState {
  for (const step of steps) transition(one, step === 'lease' ? lease(one) : events[step]);
  return one.phase.state;
}

void t.test('each path leads where it should', async (t) => {
  const paths: [TaskState, ...Step[]][] = [
    ['queued'],
    ['leased', 'lease'],
    ['running', 'lease', 'progress'],
    ['running', 'lease', 'progress', 'progress'],
    ['completed', 'lease', 'complete'],
    ['completed', 'lease', 'progress', 'complete'],
    ['retrying', 'lease', 'fail'],
    ['queued', 'lease', 'fail', 'due'],
    ['dead', 'lease', 'fail', 'due', 'lease', 'fail'],
    ['failed', 'lease', 'failForGood'],
    ['retrying', 'lease', 'timeout'],
    ['dead', 'lease', 'timeout', 'due', 'lease', 'timeout'],
    ['queued', 'lease', 'lost'],
    ['dead', 'lease', 'lost', 'lease', 'lost'],
    ['cancelled', 'cancel'],
    ['cancelled', 'lease', 'cancel'],
    ['cancelled', 'lease', 'progress', 'cancel'],
    ['cancelled', 'lease', 'fail', 'cancel'],
    ['queued', 'lease', 'failForGood', 'retry'],
    ['queued', 'cancel', 'retry'],
    ['retrying', 'lease', 'lost', 'lease', 'lost', 'retry', 'lease', 'fail'],
  ];
  for (const [end, ...steps] of paths) t.equal(play(task(), ...steps), end, steps.join(' → '));
  t.equal(play(task(2, 5_000)), 'delayed');
  t.equal(play(task(2, 5_000), 'due'), 'queued');
  t.equal(play(task(2, 5_000), 'cancel'), 'cancelled');
  const blocked: [TaskState, ...Step[]][] = [
    ['blocked'],
    ['queued', 'due'],
    ['failed', 'failForGood'],
    ['cancelled', 'cancel'],
    ['blocked', 'failForGood', 'retry'],
    ['blocked', 'cancel', 'retry'],
    ['queued', 'due', 'lease', 'cancel', 'retry'],
  ];
  for (const [end, ...steps] of blocked) t.equal(play(task(2, null, true), ...steps), end, steps.join(' → '));
  t.equal(play(task(2, 5_000, true), 'due'), 'delayed', 'its delay is not over');
});

void t.test(
  'an undefined transition names task, state and event, tells the history, and changes nothing',
  async (t) => {
    const one = task();
    play(one, 'lease', 'progress', 'complete');
    const before = one.phase;
    const error = t.throws(() => transition(one, events.complete), UndefinedTransitionError);
    t.match(error, {
      taskId: one.spec.taskId,
      from: 'completed',
      event: 'complete',
      history: [
        { event: 'lease', at: 1_010 },
        { event: 'progress', at: 1_020 },
        { event: 'complete', at: 1_020 },
      ],
    });
    t.equal(one.phase, before);
    t.equal(journal.storyOf(one.spec.taskId).length, 3);
  },
);

void t.test(
  'the table and the machine agree on every pair; finished states have no way out but a retry',
  async (t) => {
    const ways: Record<TaskState, Step[]> = {
      queued: [],
      delayed: [],
      blocked: [],
      leased: ['lease'],
      running: ['lease', 'progress'],
      retrying: ['lease', 'fail'],
      completed: ['lease', 'complete'],
      failed: ['lease', 'failForGood'],
      dead: ['lease', 'lost', 'lease', 'lost'],
      cancelled: ['cancel'],
    };
    for (const state of TASK_STATES) {
      for (const step of ['lease', ...Object.keys(events)] as Step[]) {
        const one = task(2, state === 'delayed' ? 5_000 : null, state === 'blocked');
        t.equal(play(one, ...ways[state]), state);
        const event = step === 'lease' ? lease(one) : events[step];
        const defined = TRANSITIONS[state][event.type] !== undefined;
        if (defined) t.doesNotThrow(() => transition(one, event), `${state} on ${step}`);
        else t.throws(() => transition(one, event), UndefinedTransitionError, `${state} on ${step}`);
        if (isFinished(one.phase) && state === one.phase.state) t.equal(defined, false);
        if (defined && event.type === 'retry') t.equal(one.attempts, 0, 'with all its attempts');
      }
    }
  },
);

void t.test('a summary tells where the task stands', async (t) => {
  const one = task();
  t.strictSame(summarize(one), {
    taskId: one.spec.taskId,
    kind: 'compute',
    state: 'queued',
    priority: 5,
    agentId: null,
    attempts: 0,
    submittedAt: 1_000,
    queuedMs: null,
    runMs: null,
    error: null,
    progress: null,
    maxAttempts: 2,
  });
  play(one, 'lease', 'progress');
  t.match(summarize(one), { state: 'running', agentId: 'a1', attempts: 1, queuedMs: 10, progress: 0.5 });
  play(one, 'fail');
  t.match(summarize(one), { state: 'retrying', error: ERROR, progress: null, notBefore: 2_000 });
  play(one, 'due', 'lease', 'complete');
  t.match(summarize(one), {
    state: 'completed',
    attempts: 2,
    runMs: 5,
    error: null,
    progress: 1,
    finishedAt: 1_020,
  });
});

void t.test('the journal remembers the latest transitions of all tasks, and forgets the rest', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), (rounds) => {
      const long = new TaskJournal();
      long.record('a', 'lease', 1);
      for (let i = 0; i < rounds; i++) long.record('b', i % 2 === 0 ? 'lease' : 'lost', 2 + i);
      const [one, other] = [long.storyOf('a'), long.storyOf('b')];
      return (
        one.length === (rounds < 4096 ? 1 : 0) &&
        other.length === Math.min(rounds, 4096) &&
        other.at(-1)?.at === (rounds === 0 ? undefined : rounds + 1) &&
        other.every((entry, i) => i === 0 || (other[i - 1]?.at ?? 0) < entry.at)
      );
    }),
    { numRuns: 30 },
  );
});
