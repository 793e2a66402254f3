import assert from 'node:assert/strict';
import t from 'tap';
import type { Action, FoundPatterns } from '../../../src/coordinator/core/contract.js';
import { admitTask } from '../../../src/coordinator/core/tasks/admission.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { encodeValue } from '../../../src/protocol/value.js';
import { similarityOf } from '../../../src/reasoning/patterns/pattern.js';
import { shapeOf } from '../../../src/reasoning/patterns/shape.js';
import { World, type AgentDouble } from './world.js';

const CURRENT = [1, 3, 2];

function input(more: object = {}) {
  return encodeValue({ current: CURRENT, series: [1, 2, 3, 4, 3, 2, 1, 2, 4, 3], ...more });
}

function shape(series: readonly number[]): Float32Array {
  const found = shapeOf(series);
  assert.ok(found);
  return found;
}

/** A coordinator that keeps patterns, with an agent and a client. */
function world(patterns = true) {
  const w = new World(
    { builtInKinds: ['pattern-match', 'compute'] },
    { admit: (kind, bytes) => admitTask(kind, bytes, patterns) },
  );
  const agent = w.agent('a', { agentType: 'pattern', kinds: ['pattern-match', 'compute'] });
  return { w, agent, client: w.client() };
}

function deliver(agent: AgentDouble, expectedOutcome: number | null) {
  const { taskId, attempt, epoch } = agent.takeTask();
  const facts = { patternType: 'dtw-subsequence', matchCount: 3, confidence: 0.5, computeTimeMs: 4 };
  agent.say(
    { type: 'PatternMatchResult', taskId, attempt, epoch, runMs: 5, expectedOutcome, ...facts },
    new Uint8Array([1]),
  );
  return taskId;
}

function taken<T extends Action['type']>(w: World, type: T): Extract<Action, { type: T }>[] {
  const isOne = (action: Action): action is Extract<Action, { type: T }> => action.type === type;
  return w.actions.filter(isOne);
}

t.test('a pattern is kept with its result, and then with what came of it', async (t) => {
  const { w, agent, client } = world();
  client.submit({ kind: 'pattern-match' }, input());
  t.same(taken(w, 'keepPattern'), [], 'not before');
  const taskId = deliver(agent, 0.25);
  const kept = taken(w, 'keepPattern');
  t.equal(kept.length, 1);
  t.match(kept[0]?.pattern, {
    taskId,
    agentId: 'a',
    points: 3,
    expected: 0.25,
    confidence: 0.5,
    outcome: null,
  });
  t.ok(similarityOf(kept[0]?.pattern.vector ?? new Float32Array(64), shape(CURRENT)) > 0.9999);
  w.say(client.connectionId, { type: 'ReportOutcome', requestId: 900, taskId, actual: 0.5 });
  t.match(taken(w, 'patternOutcome'), [{ taskId, outcome: { actual: 0.5 } }]);
  w.say(client.connectionId, { type: 'ReportOutcome', requestId: 901, taskId, actual: 0.7 });
  t.equal(taken(w, 'patternOutcome').length, 1, 'an outcome that is refused is none');
});

t.test('without a forecast it is kept as well, and its worth may be reported', async (t) => {
  const { w, agent, client } = world();
  client.submit({ kind: 'pattern-match' }, input({ horizon: 0 }));
  const taskId = deliver(agent, null);
  t.match(taken(w, 'keepPattern'), [{ pattern: { taskId, expected: null } }]);
  w.say(client.connectionId, { type: 'ReportOutcome', requestId: 900, taskId, value: -0.5 });
  t.match(taken(w, 'patternOutcome'), [{ taskId, outcome: { value: -0.5 } }]);
});

t.test('what has no shape, or several, is not kept; nor anything where none are', async (t) => {
  const two = { a: [1, 2, 3, 4], b: [1, 2, 1, 2] };
  const inputs = [
    input({ current: [2, 2, 2] }),
    encodeValue({
      windows: [
        [1, 2],
        [3, 5],
      ],
      series: [1, 2, 3, 4, 3, 2],
    }),
    encodeValue({ current: two, series: two }),
  ];
  for (const bytes of inputs) {
    const { w, agent, client } = world();
    client.submit({ kind: 'pattern-match' }, bytes);
    deliver(agent, 0.1);
    t.same(taken(w, 'keepPattern'), []);
  }
  const { w, agent, client } = world(false);
  client.submit({ kind: 'pattern-match' }, input());
  deliver(agent, 0.1);
  t.same(taken(w, 'keepPattern'), []);
});

t.test('a question goes to the pattern store, and its answer to the client', async (t) => {
  const { w, client } = world();
  const ask = (
    query: Omit<MessageOf<'QueryPatterns'>, 'type' | 'requestId'>,
    found: FoundPatterns | null,
  ) => {
    w.actions.length = 0;
    w.say(client.connectionId, { type: 'QueryPatterns', requestId: 7, ...query });
    const [asked] = taken(w, 'findPatterns');
    if (asked !== undefined && found !== null)
      w.turn({ type: 'patternsFound', lookupId: asked.lookupId, found });
    const [report] = w.takeType(client.connectionId, 'PatternsReport');
    const [error] = w.takeType(client.connectionId, 'ErrorReport');
    return { asked, report, error };
  };
  const counts = { patterns: 3, withOutcome: 1 };
  const facts = { agentId: 'a', points: 3, recordedAt: 5, expected: null, confidence: null };
  const pattern = { taskId: 't', vector: shape(CURRENT), outcome: { value: 0.5 }, ...facts };
  const found: FoundPatterns = {
    state: 'found',
    store: 'built-in',
    counts,
    similar: [{ pattern, similarity: 0.75 }],
  };
  const bySeries = ask({ series: CURRENT, limit: 2 }, found);
  t.match(bySeries.asked, { count: 2, like: { vector: shape(CURRENT) } });
  t.same(bySeries.report, {
    type: 'PatternsReport',
    requestId: 7,
    store: 'built-in',
    ...counts,
    similar: [{ taskId: 't', similarity: 0.75, actual: null, value: 0.5, ...facts }],
  });
  t.match(ask({ taskId: 't' }, found).asked, { count: 10, like: { taskId: 't' } });
  t.equal(ask({}, found).asked?.like, null, 'only how many there are');
  t.match(ask({ taskId: 't' }, { state: 'unknown' }).error, { name: 'UNKNOWN_TASK', requestId: 7 });
  t.match(ask({}, { state: 'off' }).error, { name: 'NOT_SUPPORTED' });
  t.match(ask({}, { state: 'unavailable', reason: 'x' }).error, { name: 'STORE_UNAVAILABLE' });
  const both = ask({ taskId: 't', series: CURRENT }, null);
  t.match(both, { asked: undefined, error: { name: 'BAD_FIELD', field: '/taskId' } });
  const flat = ask({ series: [4, 4, 4] }, null);
  t.match(flat, { asked: undefined, error: { name: 'BAD_FIELD', field: '/series' } });
});

t.test('questions of one connection are bounded', async (t) => {
  const { w, client } = world();
  for (let requestId = 1; requestId <= 2_000; requestId++) {
    w.say(client.connectionId, { type: 'QueryPatterns', requestId, series: CURRENT });
  }
  const refused = w.takeType(client.connectionId, 'ErrorReport');
  t.equal(taken(w, 'findPatterns').length + refused.length, 2_000);
  t.ok(refused.length > 0 && refused.every(({ name }) => name === 'TOO_MANY_REQUESTS'));
});
