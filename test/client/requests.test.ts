import fc from 'fast-check';
import t from 'tap';
import { Requests, type RequestBody } from '../../src/client/requests.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { MessageOf, TaskState, TaskSummary } from '../../src/protocol/messages.js';

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
  error: null,
  progress: null,
});
const submit = (fields: Partial<MessageOf<'SubmitTask'>> = {}): RequestBody => ({
  type: 'SubmitTask',
  kind: 'compute',
  watch: true,
  ...fields,
});
const bytes = Uint8Array.of(1, 2, 3);
const ack = (requestIds: number[], taskIds: string[]): MessageOf<'MessageAck'> => ({
  type: 'MessageAck',
  status: 'received',
  requestIds,
  taskIds,
});
const update = (requestId: number, taskId: string, state: TaskState): MessageOf<'TaskUpdate'> => ({
  type: 'TaskUpdate',
  requestId,
  task: summary(taskId, state),
});
const types = (actions: { type: string }[]) => actions.map(({ type }) => type);

t.test('a watched submit: accepted, told of changes, answered at its end', (t) => {
  const requests = new Requests();
  const { requestId, send } = requests.ask(submit(), bytes);
  t.same(send, { type: 'send', message: { ...submit(), requestId }, payload: bytes });
  t.same([requests.unacknowledged, requests.unacknowledgedBytes], [1, 3]);
  t.same(requests.receive(ack([requestId], ['t1']), null), [{ type: 'accepted', requestId, taskId: 't1' }]);
  t.same([requests.unacknowledged, requests.unacknowledgedBytes], [0, 0]);
  t.match(requests.receive(update(requestId, 't1', 'running'), null), [
    { type: 'update', task: { state: 'running' } },
  ]);
  t.match(requests.receive(update(requestId, 't1', 'completed'), bytes), [
    { type: 'answered', payload: bytes },
  ]);
  t.equal(requests.open, 0);
  t.same(requests.receive(update(requestId, 't1', 'completed'), bytes), [], 'once');
  t.end();
});

t.test('a submit that is not watched is over with its acknowledgement', (t) => {
  const requests = new Requests();
  const { requestId } = requests.ask(submit({ watch: false }), bytes);
  t.same(types(requests.receive(ack([requestId], ['t1']), null)), ['accepted']);
  t.equal(requests.open, 0);
  t.end();
});

t.test('a task that ends before its acknowledgement comes is accepted and answered at once', (t) => {
  const requests = new Requests();
  const { requestId } = requests.ask(submit(), bytes);
  t.same(types(requests.receive(update(requestId, 't1', 'failed'), null)), ['accepted', 'answered']);
  t.equal(requests.open, 0);
  t.end();
});

t.test('one acknowledgement may answer many submits, in any order', (t) => {
  const requests = new Requests();
  const ids = Array.from({ length: 5 }, () => requests.ask(submit(), bytes).requestId);
  const actions = requests.receive(ack([...ids].reverse(), ['e', 'd', 'c', 'b', 'a']), null);
  t.match(
    actions,
    [...ids].reverse().map((requestId, index) => ({ requestId, taskId: 'edcba'[index] })),
  );
  t.equal(requests.unacknowledged, 0);
  t.end();
});

t.test('every kind of question takes its own kind of answer only', (t) => {
  const requests = new Requests();
  const { requestId } = requests.ask({ type: 'QueryAgents' }, null);
  t.same(requests.receive(update(requestId, 't1', 'completed'), null), []);
  t.same(requests.receive(ack([requestId], ['t1']), null), []);
  t.same(types(requests.receive({ type: 'AgentsReport', requestId, agents: [] }, null)), ['answered']);
  const cancel = requests.ask({ type: 'CancelTask', taskId: 't1', reason: 'cancelled' }, null).requestId;
  t.same(types(requests.receive(ack([cancel], ['t1']), null)), ['answered']);
  t.end();
});

t.test('a refusal by name', (t) => {
  const requests = new Requests();
  const { requestId } = requests.ask(submit(), bytes);
  const report: MessageOf<'ErrorReport'> = {
    type: 'ErrorReport',
    code: ERRORS.QUEUE_FULL.code,
    name: 'QUEUE_FULL',
    message: 'full',
    requestId,
    retryAfterMs: 5,
  };
  t.match(requests.receive(report, null), [{ type: 'rejected', requestId, error: { name: 'QUEUE_FULL' } }]);
  t.same(requests.receive(report, null), []);
  t.equal(requests.unacknowledged, 0);
  t.end();
});

t.test('after a lost connection only what may be repeated goes on', (t) => {
  const requests = new Requests();
  const unkeyed = requests.ask(submit(), bytes).requestId;
  const keyed = requests.ask(submit({ idempotencyKey: 'k' }), bytes).requestId;
  const watched = requests.ask(submit(), bytes).requestId;
  requests.receive(ack([watched], ['t3']), null);
  const query = requests.ask({ type: 'QueryStatus' }, null).requestId;
  const cancel = requests.ask({ type: 'CancelTask', taskId: 't3', reason: 'cancelled' }, null).requestId;
  const retry = requests.ask({ type: 'RetryTask', taskId: 't3' }, null).requestId;
  t.same(requests.disconnect(), [
    { type: 'lost', requestId: unkeyed },
    { type: 'lost', requestId: cancel },
    { type: 'lost', requestId: retry },
  ]);
  t.same(requests.reconnect(), [
    { type: 'send', message: { ...submit({ idempotencyKey: 'k' }), requestId: keyed }, payload: bytes },
    { type: 'send', message: { type: 'WatchTask', requestId: watched, taskId: 't3' }, payload: null },
    { type: 'send', message: { type: 'QueryStatus', requestId: query }, payload: null },
  ]);
  t.same(types(requests.receive(update(watched, 't3', 'completed'), null)), ['answered']);
  t.same(requests.abandon(), [
    { type: 'lost', requestId: keyed },
    { type: 'lost', requestId: query },
  ]);
  t.same([requests.open, requests.unacknowledged, requests.unacknowledgedBytes], [0, 0, 0]);
  t.end();
});

t.test(
  'a second connection: watches are made there at once, answers are awaited where they were asked for',
  (t) => {
    const requests = new Requests();
    const watching = requests.ask({ type: 'WatchTask', taskId: 'w' }, null).requestId;
    const submitted = requests.ask(submit({ idempotencyKey: 'k' }), bytes).requestId;
    const refused = requests.ask(submit(), bytes).requestId;
    const cancel = requests.ask({ type: 'CancelTask', taskId: 'c', reason: 'cancelled' }, null).requestId;
    t.same(requests.moveOn(), [
      { type: 'send', message: { type: 'WatchTask', requestId: watching, taskId: 'w' }, payload: null },
    ]);
    requests.ask({ type: 'QueryStatus' }, null);
    t.equal(requests.leftBehind, 3, 'what is asked from now on is asked on the second');
    t.same(requests.receive(ack([submitted], ['t1']), null), [
      { type: 'accepted', requestId: submitted, taskId: 't1' },
      { type: 'send', message: { type: 'WatchTask', requestId: submitted, taskId: 't1' }, payload: null },
    ]);
    requests.receive({ type: 'ErrorReport', code: 1, name: 'X', message: '', requestId: refused }, null);
    requests.receive(ack([cancel], ['c']), null);
    t.equal(requests.leftBehind, 0);
    t.same(requests.giveUpLeftBehind(), []);
    t.end();
  },
);

t.test('a first connection that is gone before its answers: asked again, or lost', (t) => {
  const requests = new Requests();
  const keyed = requests.ask(submit({ idempotencyKey: 'k' }), bytes).requestId;
  const unkeyed = requests.ask(submit(), bytes).requestId;
  requests.moveOn();
  const later = requests.ask({ type: 'RetryTask', taskId: 't' }, null).requestId;
  t.match(requests.giveUpLeftBehind(), [
    { type: 'send', message: { type: 'SubmitTask', requestId: keyed } },
    { type: 'lost', requestId: unkeyed },
  ]);
  t.equal(requests.leftBehind, 0);
  t.same(types(requests.receive(ack([later], ['t']), null)), ['answered']);
  t.end();
});

t.test('a submit given up is cancelled as soon as its task is known', (t) => {
  const requests = new Requests();
  const { requestId } = requests.ask(submit(), bytes);
  requests.disown(requestId);
  t.match(requests.receive(ack([requestId], ['t1']), null), [
    { type: 'over', requestId },
    { type: 'send', message: { type: 'CancelTask', taskId: 't1', reason: 'cancelled' } },
  ]);
  t.end();
});

t.test(
  'any answers to any requests: each is accepted and ended at most once, and the counts come out even',
  (t) => {
    const step = fc.oneof(
      fc.constantFrom(
        { do: 'submit' as const, watch: true },
        { do: 'submit' as const, watch: false },
        { do: 'watch' as const },
        { do: 'lose' as const },
        { do: 'move' as const },
        { do: 'leave' as const },
      ),
      fc.record({
        do: fc.constantFrom('ack' as const, 'end' as const, 'error' as const, 'disown' as const),
        id: fc.integer({ min: 1, max: 12 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const requests = new Requests();
        const accepted = new Set<number>();
        const over = new Set<number>();
        for (const one of steps) {
          const actions =
            one.do === 'submit'
              ? [requests.ask(submit({ watch: one.watch }), bytes).send]
              : one.do === 'watch'
                ? [requests.ask({ type: 'WatchTask', taskId: 't' }, null).send]
                : one.do === 'lose'
                  ? [...requests.disconnect(), ...requests.reconnect()]
                  : one.do === 'move'
                    ? requests.moveOn()
                    : one.do === 'leave'
                      ? requests.giveUpLeftBehind()
                      : one.do === 'ack'
                        ? requests.receive(ack([one.id], ['t']), null)
                        : one.do === 'end'
                          ? requests.receive(update(one.id, 't', 'completed'), null)
                          : one.do === 'error'
                            ? requests.receive(
                                { type: 'ErrorReport', code: 1, name: 'X', message: '', requestId: one.id },
                                null,
                              )
                            : (requests.disown(one.id), []);
          for (const action of actions) {
            if (action.type === 'send') continue;
            const { requestId } = action;
            if (over.has(requestId)) throw new Error(`${action.type} after the end of ${requestId}`);
            if (action.type === 'accepted') {
              if (accepted.has(requestId)) throw new Error(`${requestId} accepted twice`);
              accepted.add(requestId);
            } else if (action.type !== 'update') over.add(requestId);
          }
        }
        requests.abandon();
        if (
          requests.open + requests.leftBehind + requests.unacknowledged + requests.unacknowledgedBytes !==
          0
        )
          throw new Error('left over');
      }),
    );
    t.end();
  },
);
