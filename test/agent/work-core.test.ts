import fc from 'fast-check';
import t from 'tap';
import type { RunOutcome } from '../../src/agent/outcome.js';
import { WorkCore, type WorkAction, type WorkEvent, type WorkOptions } from '../../src/agent/work-core.js';
import { encodeFrame } from '../../src/protocol/envelope.js';
import { MAX_CONCURRENCY, MAX_HANDSHAKE_BYTES } from '../../src/protocol/limits.js';
import type { Lease, MessageOf } from '../../src/protocol/messages.js';

const lease = (taskId: string, epoch = 1): Lease => ({ taskId, attempt: epoch, epoch });
const task = (
  taskId: string,
  { epoch = 1, priority = 5, timeoutMs = 60_000 } = {},
): WorkEvent & { type: 'task' } => ({
  type: 'task',
  message: { type: 'AgentTask', ...lease(taskId, epoch), kind: 'compute', priority, timeoutMs },
  payload: Uint8Array.of(0xc0),
  origin: 7,
});
const done = (bytes = 1): RunOutcome => ({
  outcome: 'completed',
  runMs: 3,
  payload: new Uint8Array(bytes),
  summary: null,
});
const aborted: RunOutcome = { outcome: 'aborted', runMs: 9 };
const finished = (taskId: string, outcome: RunOutcome = done(), epoch = 1): WorkEvent => ({
  type: 'finished',
  lease: lease(taskId, epoch),
  outcome,
});
const registered = (abortedTasks: Lease[] = []): WorkEvent => ({
  type: 'registered',
  abortedTasks,
  maxResultBytes: 1000,
});

class Played {
  now = 0;
  readonly work: WorkCore;
  constructor(options: Partial<WorkOptions> = {}) {
    this.work = new WorkCore({ concurrency: 2, ...options });
  }
  tell(...events: WorkEvent[]): WorkAction[] {
    return events.flatMap((event) => this.work.handle(event, this.now));
  }
  pass(ms: number): WorkAction[] {
    this.now += ms;
    return this.tell({ type: 'tick' });
  }
}

const runs = (actions: WorkAction[]) =>
  actions.flatMap((action) => (action.type === 'run' ? [action.task.lease.taskId] : []));
/** Aborts and ends by force, with the lease for the task. */
const stops = (actions: WorkAction[]) =>
  actions.map((action) =>
    action.type === 'abort' || action.type === 'terminate' ? { ...action, task: action.task.lease } : action,
  );
const keyOf = ({ taskId, epoch }: Lease) => `${taskId}#${epoch}`;
const answers = (actions: WorkAction[]) =>
  actions.flatMap((action) => (action.type === 'answer' ? [action.answer.message] : []));

t.test('runs up to its concurrency, the rest by priority and then in order', (t) => {
  const played = new Played();
  const started = played.tell(
    task('a'),
    task('b'),
    task('low', { priority: 1 }),
    task('c'),
    task('d'),
    task('high', { priority: 9 }),
  );
  t.same(runs(started), ['a', 'b']);
  t.equal(played.work.active, 2);
  t.equal(played.work.queued, 4);
  const order = ['a', 'b', 'high', 'c', 'd', 'low'].flatMap((taskId) => runs(played.tell(finished(taskId))));
  t.same(order, ['high', 'c', 'd', 'low']);
  t.equal(played.work.active, 0);
  t.end();
});

t.test('an answer goes where its task came from, and stays until it is acknowledged', (t) => {
  const played = new Played();
  played.tell(task('a'));
  t.match(played.tell(finished('a')), [
    {
      type: 'answer',
      origin: 7,
      answer: {
        message: {
          type: 'TaskCompletion',
          taskId: 'a',
          attempt: 1,
          epoch: 1,
          outcome: 'completed',
          runMs: 3,
        },
      },
    },
  ]);
  t.notOk(played.work.idle);
  t.same(played.work.leases(), [lease('a')]);
  t.match(played.tell(registered()), [{ type: 'answer', origin: null, answer: { lease: lease('a') } }]);
  played.tell({ type: 'settled', taskIds: ['a', 'unknown'] });
  t.ok(played.work.idle);
  t.same(played.tell(registered()), []);
  t.end();
});

t.test('a summary makes the answer a PatternMatchResult', (t) => {
  const played = new Played();
  played.tell(task('a'));
  const summary = {
    type: 'PatternMatchResult' as const,
    patternType: 'dtw-windows',
    matchCount: 5,
    confidence: 0.7,
    expectedOutcome: null,
    computeTimeMs: 2,
  };
  const outcome: RunOutcome = { outcome: 'completed', runMs: 3, payload: new Uint8Array(1), summary };
  t.same(answers(played.tell(finished('a', outcome))), [{ ...summary, ...lease('a'), runMs: 3 }]);
  t.end();
});

t.test('a duplicate of a lease is ignored in every state of it', (t) => {
  const played = new Played({ concurrency: 1 });
  t.same(runs(played.tell(task('a'), task('a'))), ['a']);
  t.equal(played.work.queued, 0);
  played.tell(finished('a'));
  t.same(played.tell(task('a')), [], 'answered');
  played.tell({ type: 'settled', taskIds: ['a'] });
  t.same(played.tell(task('a')), [], 'acknowledged');
  t.same(runs(played.tell(task('a', { epoch: 2 }))), ['a'], 'a new lease is none');
  t.end();
});

t.test('a cancelled task: at once when it waits, aborted and then by force when it runs', (t) => {
  const played = new Played({ concurrency: 1, abortGraceMs: 2000 });
  played.tell(task('a'), task('b'));
  const cancel = (taskId: string, epoch?: number): WorkEvent => ({
    type: 'cancel',
    taskId,
    epoch,
    reason: 'cancelled',
  });
  t.match(answers(played.tell(cancel('b', 1))), [{ taskId: 'b', outcome: 'cancelled', runMs: 0 }]);
  t.same(played.tell(cancel('a', 2)), [], 'another lease');
  t.same(stops(played.tell(cancel('a'))), [{ type: 'abort', task: lease('a'), cause: 'cancelled' }]);
  t.same(played.tell(cancel('a')), [], 'twice');
  t.same(played.pass(1999), []);
  t.equal(played.work.active, 1, 'it holds its place until it is over');
  t.same(stops(played.pass(1)), [{ type: 'terminate', task: lease('a') }]);
  t.match(answers(played.tell(finished('a', aborted))), [{ taskId: 'a', outcome: 'cancelled', runMs: 9 }]);
  t.end();
});

t.test('a task over its time is aborted; a result that still comes counts', (t) => {
  const played = new Played();
  played.tell(task('slow', { timeoutMs: 100 }), task('late', { timeoutMs: 100 }));
  t.equal(played.work.nextDeadline, 100);
  t.match(stops(played.pass(100)), [
    { type: 'abort', task: lease('slow'), cause: 'deadline' },
    { type: 'abort', task: lease('late'), cause: 'deadline' },
  ]);
  t.match(answers(played.tell(finished('slow', aborted))), [
    { outcome: 'failed', error: { name: 'TASK_TIMEOUT', retryable: true } },
  ]);
  t.match(answers(played.tell(finished('late'))), [{ outcome: 'completed' }]);
  t.end();
});

t.test('leases taken away at the resume are aborted and never answered', (t) => {
  const played = new Played({ concurrency: 1 });
  played.tell(task('answered'), finished('answered'), task('running'), task('waiting'));
  t.same(played.work.leases(), [lease('answered'), lease('running'), lease('waiting')]);
  const actions = played.tell(registered([lease('answered'), lease('running'), lease('waiting')]));
  t.same(stops(actions), [
    { type: 'abort', task: lease('running'), cause: 'revoked' },
    { type: 'release', origin: 7 },
  ]);
  t.same(played.work.leases(), []);
  t.same(played.tell(finished('running')), [{ type: 'release', origin: 7 }]);
  t.ok(played.work.idle);
  t.end();
});

t.test('a stale lease is dropped, a newer one of the same task is kept', (t) => {
  const played = new Played();
  played.tell(task('a'), finished('a'), { type: 'stale', taskId: 'a' });
  t.ok(played.work.idle);
  played.tell(task('b'), finished('b'), task('b', { epoch: 2 }));
  t.same(played.tell({ type: 'stale', taskId: 'b' }), []);
  t.same(played.work.leases(), [lease('b', 2)]);
  t.match(answers(played.tell(finished('b', done(), 2))), [{ taskId: 'b', epoch: 2 }]);
  t.end();
});

t.test('an answer that could not be stored is sent again when the coordinator says', (t) => {
  const played = new Played();
  played.tell(task('a'), finished('a'), { type: 'unstored', taskId: 'a', retryAfterMs: 300 });
  t.equal(played.work.nextDeadline, 300);
  t.same(played.pass(299), []);
  t.match(answers(played.pass(1)), [{ taskId: 'a' }]);
  t.same(played.pass(1000), [], 'once');
  t.end();
});

t.test('a result that no message holds fails, for good', (t) => {
  const played = new Played();
  played.tell(registered(), task('a'));
  t.match(answers(played.tell(finished('a', done(1001)))), [
    { outcome: 'failed', error: { name: 'RESULT_TOO_LARGE', retryable: false } },
  ]);
  t.end();
});

t.test('a coordinator that does not count credit is answered, not obeyed', (t) => {
  const played = new Played({ concurrency: 1 });
  const refused: string[] = [];
  for (let n = 0; n < 1000; n++) {
    for (const message of answers(played.tell(task(`t${n}`)))) {
      t.match(message, { outcome: 'failed', error: { name: 'AGENT_OVERLOADED', retryable: true } });
      refused.push(message.taskId);
    }
  }
  t.equal(refused.length, 1000 - 65);
  t.equal(played.work.leases().length, 65, 'what was refused is not kept');
  t.end();
});

t.test('nothing new starts while too many results wait for their acknowledgement', (t) => {
  const played = new Played({ concurrency: 1, maxOutboxBytes: 100 });
  played.tell(task('a'), task('b'));
  t.same(runs(played.tell(finished('a', done(101)))), []);
  t.same(runs(played.tell({ type: 'settled', taskIds: ['a'] })), ['b']);
  t.end();
});

t.test('progress is passed on while the task is wanted', (t) => {
  const played = new Played();
  played.tell(task('a'));
  const progress: WorkEvent = { type: 'progress', lease: lease('a'), fraction: 0.5, note: 'half' };
  t.same(played.tell(progress), [
    {
      type: 'progress',
      origin: 7,
      message: { type: 'TaskProgress', taskId: 'a', epoch: 1, fraction: 0.5, note: 'half' },
    },
  ]);
  played.tell({ type: 'cancel', taskId: 'a', reason: 'cancelled' });
  t.same(played.tell(progress), []);
  t.end();
});

t.test('what a drain leaves undone goes back, once', (t) => {
  const played = new Played({ concurrency: 1 });
  played.tell(task('running'), task('waiting'));
  const actions = played.tell({ type: 'abandon' });
  t.match(answers(actions), [
    { taskId: 'running', outcome: 'failed', error: { name: 'AGENT_DRAINED', retryable: true } },
    { taskId: 'waiting', outcome: 'failed', error: { name: 'AGENT_DRAINED', retryable: true } },
  ]);
  t.ok(actions.some((action) => action.type === 'terminate' && action.task.lease.taskId === 'running'));
  t.same(answers(played.tell(finished('running'))), []);
  played.tell({ type: 'settled', taskIds: ['running', 'waiting'] });
  t.ok(played.work.idle);
  t.end();
});

t.test('a handshake names all leases of the largest concurrency, and never more than it holds', (t) => {
  const played = new Played({ concurrency: MAX_CONCURRENCY });
  const uuid = '01890a5d-ac96-774b-bcce-b302099a8';
  for (let n = 0; n < MAX_CONCURRENCY; n++) played.tell(task(`${uuid}-${n}`));
  const leases = played.work.leases();
  t.equal(leases.length, MAX_CONCURRENCY);
  const handshake: MessageOf<'AgentHandshake'> = {
    type: 'AgentHandshake',
    protocolVersions: [1],
    agentId: 'a'.repeat(128),
    agentType: 'worker',
    kinds: [],
    concurrency: 1,
    software: 'test',
    leases,
  };
  t.ok(encodeFrame(handshake).length < MAX_HANDSHAKE_BYTES);

  const long = new Played({ concurrency: MAX_CONCURRENCY });
  for (let n = 0; n < MAX_CONCURRENCY + 60; n++) long.tell(task(`${n}-`.padEnd(64, 'x')));
  t.ok(encodeFrame({ ...handshake, leases: long.work.leases() }).length < MAX_HANDSHAKE_BYTES);
  t.end();
});

t.test('a full outbox: no credit and nothing started, until half of it is acknowledged', (t) => {
  const played = new Played({ concurrency: 2, maxOutboxBytes: 100 });
  const finish = (id: string) => played.tell(task(id), finished(id, done(40)));
  finish('a');
  finish('b');
  t.equal(played.work.credit, 2);
  finish('c');
  t.equal(played.work.credit, 0);
  played.tell({ type: 'settled', taskIds: ['a'] });
  t.equal(played.work.credit, 0, 'not at the first acknowledgement: it would go to and fro');
  played.tell({ type: 'settled', taskIds: ['b'] });
  t.equal(played.work.credit, 2);
  t.end();
});

t.test(
  'in any order of events: never more runs than the concurrency, each lease answered at most once',
  (t) => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('task' as const),
          id: fc.constantFrom(...ids),
          epoch: fc.integer({ min: 1, max: 4 }),
          timeoutMs: fc.integer({ min: 0, max: 50 }),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('finish' as const), pick: fc.nat(), aborts: fc.boolean() }),
      },
      fc.record({ do: fc.constant('cancel' as const), id: fc.constantFrom(...ids) }),
      fc.record({ do: fc.constant('settle' as const), id: fc.constantFrom(...ids) }),
      fc.record({ do: fc.constant('stale' as const), id: fc.constantFrom(...ids) }),
      fc.record({
        do: fc.constant('resume' as const),
        id: fc.constantFrom(...ids),
        epoch: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 100 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 3 }),
        (steps, concurrency) => {
          const played = new Played({ concurrency, abortGraceMs: 20 });
          const running = new Map<string, Lease>();
          const ran = new Set<string>();
          const answered = new Set<string>();
          const take = (actions: WorkAction[]) => {
            for (const action of actions) {
              if (action.type === 'run') {
                const key = keyOf(action.task.lease);
                if (ran.has(key)) throw new Error(`${key} ran twice`);
                ran.add(key);
                running.set(key, action.task.lease);
                if (running.size > concurrency) throw new Error('more runs than the concurrency');
              } else if (action.type === 'abort' || action.type === 'terminate') {
                const key = keyOf(action.task.lease);
                if (!running.has(key)) throw new Error(`${action.type} of ${key}, which does not run`);
              } else if (action.type === 'answer' && action.origin !== null) {
                const key = keyOf(action.answer.lease);
                if (answered.has(key)) throw new Error(`${key} answered twice`);
                answered.add(key);
              }
            }
          };
          for (const one of steps) {
            switch (one.do) {
              case 'task':
                take(played.tell(task(one.id, one)));
                break;
              case 'finish': {
                const lease = [...running.values()][one.pick % Math.max(1, running.size)];
                if (lease === undefined) break;
                running.delete(keyOf(lease));
                take(played.tell({ type: 'finished', lease, outcome: one.aborts ? aborted : done() }));
                break;
              }
              case 'cancel':
                take(played.tell({ type: 'cancel', taskId: one.id, reason: 'cancelled' }));
                break;
              case 'settle':
                take(played.tell({ type: 'settled', taskIds: [one.id] }));
                break;
              case 'stale':
                take(played.tell({ type: 'stale', taskId: one.id }));
                break;
              case 'resume':
                take(played.tell(registered([lease(one.id, one.epoch)])));
                break;
              case 'pass':
                take(played.pass(one.ms));
                break;
            }
            if (played.work.active !== running.size) throw new Error('active is not what runs');
          }
          // Whatever happened, it comes to an end.
          played.pass(10_000);
          for (let left = [...running.values()]; left.length > 0; left = [...running.values()]) {
            running.clear();
            for (const lease of left) take(played.tell({ type: 'finished', lease, outcome: aborted }));
          }
          played.tell({ type: 'settled', taskIds: ids });
          if (!played.work.idle) throw new Error('not idle in the end');
        },
      ),
      { numRuns: 300 },
    );
    t.end();
  },
);
