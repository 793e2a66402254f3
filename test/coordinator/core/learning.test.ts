import t from 'tap';
import { BANK_OPTIONS, bankPorts } from '../../../src/coordinator/core/reasoning/bank-options.js';
import { restoreBank, snapshotTime } from '../../../src/coordinator/core/reasoning/restore.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import type { MemoryItem } from '../../../src/reasoning/memory/item.js';
import {
  afterCrash,
  CONTEXT,
  deliver,
  forecast,
  learned,
  patternAgent,
  report,
  untilAdapted,
  world,
} from './learning-world.js';
import { World } from './world.js';

void t.test('a forecast waits for its outcome, and is judged when that is reported', async (t) => {
  const w = world();
  const agent = patternAgent(w, 'a1');
  const client = w.client();
  const taskId = forecast(w, agent, client, 0.02);
  t.match(
    w.stored.findLast(({ op }) => op === 'put-entry'),
    {
      entry: { collection: 'forecast', key: taskId },
    },
  );
  t.match(learned(w, client).counters, { experiences: 0, pendingForecasts: 1 });
  t.equal(report(w, client, taskId, { actual: 0.02 }), 'ok');
  const { verdicts, counters, performance } = learned(w, client, 'a1');
  t.match(verdicts, [{ agentId: 'a1', experienceId: `task:${taskId}`, judge: 'built-in' }]);
  t.ok((verdicts[0]?.score ?? 0) > 0.4, 'an exact forecast is a good one');
  t.match(counters, { experiences: 1, pendingForecasts: 0 });
  t.ok(
    performance.some(({ context }) => context === 'metric=dtw points=2^4 candidates=2^9'),
    'it counts in the circumstances of its input',
  );
  t.match(
    w.stored.findLast(({ op }) => op === 'drop-entry'),
    { collection: 'forecast', key: taskId },
  );
  patternAgent(w, 'a2');
  t.strictSame(learned(w, client, 'a2').verdicts, []);
  w.say(client.connectionId, { type: 'QueryReasoning', requestId: 99, agentId: 'nobody' });
  t.match(w.take(client.connectionId), [{ message: { name: 'UNKNOWN_AGENT', requestId: 99 } }]);
});

void t.test('an outcome that cannot count is refused by name', async (t) => {
  const w = world();
  const agent = patternAgent(w, 'a1');
  const client = w.client();
  const judged = forecast(w, agent, client, 0.02);
  t.equal(report(w, client, judged, { actual: 0.01 }), 'ok');
  t.equal(report(w, client, judged, { actual: 0.01 }), 'OUTCOME_KNOWN');
  t.equal(report(w, client, 'nowhere', { value: 1 }), 'UNKNOWN_TASK');
  t.equal(report(w, client, judged, {}), 'BAD_FIELD');
  t.equal(report(w, client, judged, { actual: 1, value: 1 }), 'BAD_FIELD');
  const running = client.submit({ kind: 'pattern-match' });
  t.equal(report(w, client, running, { value: 1 }), 'NO_FORECAST');
  deliver(agent, agent.takeTask(), null);
  t.equal(report(w, client, running, { actual: 1 }), 'NO_FORECAST', 'it forecast nothing');
  t.equal(report(w, client, running, { value: 0.5 }), 'ok', 'but its result may be worth something');
  t.equal(report(w, client, running, { value: 0.5 }), 'OUTCOME_KNOWN');
});

void t.test('an outcome is acknowledged once it is stored', async (t) => {
  const w = world();
  const agent = patternAgent(w, 'a1');
  const client = w.client();
  const taskId = forecast(w, agent, client, 0.02);
  w.autoCommit = false;
  t.equal(report(w, client, taskId, { actual: 0.01 }), 'silence');
  w.commit();
  t.match(w.takeType(client.connectionId, 'MessageAck'), [{ status: 'processed', taskIds: [taskId] }]);
});

void t.test('small results cost no operation of the store, and are counted twice a second', async (t) => {
  const w = new World();
  const agent = w.agent('a1', { concurrency: 100 });
  const client = w.client();
  for (let i = 0; i < 40; i++) {
    client.submit();
    agent.complete(agent.takeTask());
  }
  const learnedOps = () =>
    w.stored.filter(({ op }) => op === 'append-experience' || op === 'put-entry').length;
  t.equal(w.core.state.learning.bank.performance.agentKind('a1', 'compute'), null);
  w.advance(500);
  t.equal(w.core.state.learning.bank.performance.agentKind('a1', 'compute')?.delivered, 40);
  t.equal(w.core.state.learning.bank.performance.agentKind('a1', 'compute')?.successes, 40);
  t.equal(learnedOps(), 0);
});

void t.test('failures are experiences, but a flood of them is counted', async (t) => {
  const w = new World();
  const agent = w.agent('a1', { concurrency: 100 });
  const client = w.client();
  for (let i = 0; i < 40; i++) {
    client.submit({ attempts: 1 });
    agent.fail(agent.takeTask(), false);
  }
  w.advance(500);
  const cell = w.core.state.learning.bank.performance.agentKind('a1', 'compute');
  t.equal(cell?.failed, 40);
  t.equal(cell?.outcomes, 40);
  t.equal(w.stored.filter(({ op }) => op === 'append-experience').length, 16);
});

void t.test('an agent tells of itself only, and not under ids of the coordinator', async (t) => {
  const w = new World();
  const agent = w.agent('a1');
  const experience: MessageOf<'ReasoningExperience'> = {
    type: 'ReasoningExperience',
    experienceId: 'e1',
    agentId: 'a1',
    action: 'match',
    context: { kind: 'pattern-match' },
    outcome: { value: 0.5, confidence: 1, latencyMs: 1 },
    recordedAt: 5,
  };
  agent.say(experience);
  agent.say(experience);
  t.match(w.takeType(agent.connectionId, 'MessageAck'), [{ taskIds: ['e1'] }, { taskIds: ['e1'] }]);
  t.equal(w.stored.filter(({ op }) => op === 'append-experience').length, 1, 'it is recorded once');
  agent.say({ ...experience, experienceId: 'task:x' });
  t.strictSame(agent.errors(), ['BAD_FIELD']);
});

void t.test(
  'a bad forecaster is told to change a parameter, and told back when that did not help',
  async (t) => {
    const w = world();
    const agent = patternAgent(w, 'a1');
    const client = w.client();
    const command = untilAdapted(w, agent, client);
    const [suggestion] = command.suggestions;
    t.ok(suggestion !== undefined && ['window', 'k', 'similarityThreshold'].includes(suggestion.parameter));
    const stored = w.stored.findLastIndex(
      (op) => op.op === 'put-entry' && op.entry.collection === 'adaptation',
    );
    t.ok(stored >= 0, 'the command is stored');
    w.advance(10_000);
    t.match(w.takeType(agent.connectionId, 'AdaptationCommand'), [{ adaptationId: command.adaptationId }]);
    agent.say({ type: 'AdaptationAck', adaptationId: command.adaptationId, outcome: 'applied' });
    w.advance(1);
    const back: MessageOf<'AdaptationCommand'>[] = [];
    for (let i = 0; i < 100 && back.length === 0; i++) {
      report(w, client, forecast(w, agent, client, 0.02), { actual: -0.001 });
      back.push(...w.takeType(agent.connectionId, 'AdaptationCommand'));
    }
    t.match(back, [{ suggestions: [{ parameter: suggestion?.parameter, suggested: suggestion?.current }] }]);
    t.match(w.core.state.learning.bank.reports.adaptations(), [{ end: 'rolled-back', agentId: 'a1' }]);
  },
);

void t.test(
  'what an agent refuses is not tried again at once; one that starts anew gets its values back',
  async (t) => {
    const w = world();
    const agent = patternAgent(w, 'a1');
    const client = w.client();
    const { adaptationId } = untilAdapted(w, agent, client);
    agent.say({ type: 'AdaptationAck', adaptationId, outcome: 'refused', reason: 'no such parameter' });
    t.match(w.core.state.learning.bank.reports.adaptations(), [{ end: 'refused' }]);
    t.match(w.logs('agent refuses an adaptation'), [{ agentId: 'a1', reason: 'no such parameter' }]);
  },
);

void t.test('a reasoning agent is sent experiences, and its verdict counts', async (t) => {
  const w = world();
  const agent = patternAgent(w, 'a1');
  const client = w.client();
  const judge = w.agent('judge', { agentType: 'reasoning', kinds: ['compute'] });
  const taskId = forecast(w, agent, client, 0.02);
  report(w, client, taskId, { actual: 0.02 });
  const [asked] = w.takeType(judge.connectionId, 'ReasoningExperience');
  t.match(asked, {
    experienceId: `task:${taskId}`,
    agentId: 'a1',
    judging: { kind: 'pattern-match', source: 'forecast', grade: 1, success: true },
  });
  t.strictSame(learned(w, client).verdicts, []);
  const verdict: MessageOf<'ReasoningVerdict'> = {
    type: 'ReasoningVerdict',
    experienceId: `task:${taskId}`,
    agentId: 'a1',
    score: -0.25,
    confidence: 0.75,
    memories: [
      {
        title: 'beware',
        description: 'luck',
        content: 'It was luck.',
        kind: 'pattern-match',
        learnedFrom: 'failure',
        context: CONTEXT,
        sources: [`task:${taskId}`],
      },
    ],
  };
  agent.say(verdict);
  t.strictSame(agent.errors(), ['UNEXPECTED_MESSAGE'], 'others do not judge');
  judge.say(verdict);
  t.match(learned(w, client), { verdicts: [{ judge: 'judge', score: -0.25 }], judges: ['judge'] });
  client.submit({ kind: 'pattern-match' });
  t.match(agent.takeTask().memories, [{ title: 'beware', content: 'It was luck.' }]);

  // silent or gone, the built-in verdict counts
  const second = w.agent('a2', { agentType: 'pattern', kinds: ['pattern-match'] });
  report(w, client, forecast(w, second, client, 0.02), { actual: 0.02 });
  w.advance(5_000);
  t.match(learned(w, client).verdicts[0], { judge: 'built-in', agentId: 'a2' });
  w.lose(judge.connectionId);
  report(w, client, forecast(w, second, client, 0.02), { actual: 0.02 });
  t.match(learned(w, client), { judges: [], verdicts: [{ judge: 'built-in' }, {}, {}] });
});

/** That it was recalled lately may be lost. */
function lesson({ memoryId, title, content, evidence }: MemoryItem) {
  return { memoryId, title, content, evidence };
}

void t.test('after a crash the bank goes on with what it had, with a snapshot and without', async (t) => {
  for (const withSnapshot of [false, true]) {
    const w = world();
    const agent = patternAgent(w, 'a1');
    const client = w.client();
    const waiting = forecast(w, agent, client, 0.02);
    for (let i = 0; i < 30; i++) report(w, client, forecast(w, agent, client, 0.02), { actual: -0.001 });
    let active = agent;
    if (withSnapshot) {
      // long enough for the agent to be given up
      w.advance(600_000);
      active = patternAgent(w, 'a1');
      t.ok(
        w.stored.some((op) => op.op === 'put-entry' && op.entry.collection === 'bank-snapshot'),
        'a snapshot is written',
      );
    }
    const command = untilAdapted(w, active, client);
    const { bank } = w.core.state.learning;
    const again = afterCrash(w);
    t.strictSame(again.performance.rows({}), bank.performance.rows({}));
    t.equal(again.forecast(waiting)?.expected, 0.02);
    t.strictSame(again.reports.underWay(), bank.reports.underWay());
    t.equal(again.reports.underWay()[0]?.phase, 'asking');
    t.strictSame(again.reports.memories().map(lesson), bank.reports.memories().map(lesson));
    t.ok(bank.reports.memories().length > 0, 'bad forecasts have taught a lesson');
    const restarted = new World({}, {}, { sessions: [], bank: again }, w.now + 1);
    const back = patternAgent(restarted, 'a1');
    t.strictSame(
      restarted.takeType(back.connectionId, 'AdaptationCommand'),
      [],
      'a new process has its initial values, and nothing was kept',
    );
    t.ok(command.adaptationId);
  }
});

void t.test('a drain writes down what was counted', async (t) => {
  const w = new World();
  const agent = w.agent('a1');
  const client = w.client();
  client.submit();
  agent.complete(agent.takeTask());
  w.turn({ type: 'drain', deadlineMs: 1_000, reason: 'the end' });
  t.equal(afterCrash(w).performance.agentKind('a1', 'compute')?.delivered, 1);
});

void t.test('damaged records are left out and counted', async (t) => {
  const junk = ['', '{', '[]', '{"version":1}', '{"takenAt":"x"}'].map((text) => Buffer.from(text));
  const { bank, damaged } = restoreBank(
    BANK_OPTIONS,
    bankPorts(() => 'id'),
    0,
    {
      snapshot: junk[3] ?? null,
      forecasts: junk,
      adaptations: junk,
      memories: junk,
      experiences: [],
    },
  );
  t.equal(damaged, 3 * junk.length + 1);
  t.equal(bank.reports.summary().memories, 0);
  t.equal(snapshotTime(junk[3] ?? null), null);
});
