import fc from 'fast-check';
import t from 'tap';
import type {
  BankAction,
  BankEvent,
  BankOptions,
  BankRecord,
  BankSnapshot,
} from '../../src/reasoning/contract.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { fromStored, toStored } from '../../src/reasoning/experience-record.js';
import type { Verdict } from '../../src/reasoning/verdict.js';
import { aBank, completed, ports } from './support.js';

function only<T extends BankAction['type']>(
  actions: readonly BankAction[],
  type: T,
): Extract<BankAction, { type: T }>[] {
  return actions.filter((action): action is Extract<BankAction, { type: T }> => action.type === type);
}

function records(actions: readonly BankAction[]): BankRecord[] {
  return only(actions, 'store').map(({ record }) => record);
}

function verdicts(actions: readonly BankAction[]): Verdict[] {
  return only(actions, 'verdict').map(({ verdict }) => verdict);
}

function reported(experienceId: string, given: Partial<MessageOf<'ReasoningExperience'>> = {}): BankEvent {
  return {
    type: 'experienceReported',
    kind: null,
    experience: {
      experienceId,
      agentId: 'a',
      action: 'looked',
      context: {},
      outcome: { value: 0.5, confidence: 0.7, latencyMs: 3 },
      recordedAt: 1,
      ...given,
    },
  };
}

t.test('a result with a known outcome is an experience, judged at once', async (t) => {
  const bank = aBank();
  const context = { points: 100 };
  const actions = bank.handle(completed('1', { context, confidence: 0.9, outcome: { value: 0.8 } }), 50);
  t.same(
    actions.map(({ type }) => type),
    ['store', 'verdict'],
    'stored before it is told',
  );
  const [record] = records(actions);
  t.match(record, {
    type: 'experience',
    experience: {
      experienceId: 'task:1',
      source: 'task',
      agentId: 'a',
      kind: 'k',
      context,
      outcome: { value: 0.8, confidence: 0.9, latencyMs: 10, success: true },
      recordedAt: 50,
    },
  });
  const [verdict] = verdicts(actions);
  t.match(verdict, {
    experienceId: 'task:1',
    judge: 'built-in',
    shouldAdapt: false,
    suggestions: [],
    judgedAt: 50,
  });
  t.same(verdict?.parts, { quality: 0.8, speed: null, calibration: 1, reliability: 4 / 3 - 1 });
  t.match(bank.reports.performance({ agentId: 'a', kind: 'k' }), [
    { context: null, outcomes: 1, outcome: { mean: 0.8, low: null } },
    { context: 'points=2^6', outcomes: 1 },
  ]);
});

t.test('the same task counts once, and so does the same experience of an agent', async (t) => {
  const bank = aBank();
  bank.handle(completed('1'), 1);
  t.same(bank.handle(completed('1'), 2), []);
  t.equal(verdicts(bank.handle(reported('x'), 3)).length, 1);
  t.same(bank.handle(reported('x'), 4), []);
  t.equal(
    verdicts(bank.handle(reported('x', { agentId: 'b' }), 5)).length,
    1,
    "another agent's own id is another one",
  );
  t.equal(verdicts(bank.handle(reported('task:2'), 6)).length, 1);
  t.equal(verdicts(bank.handle(completed('2'), 7)).length, 1, 'no agent can take the place of a result');
  t.match(bank.reports.summary(), { experiences: 5, repeated: 2 });
});

t.test('each failed attempt is an experience, the worst there is', async (t) => {
  const bank = aBank();
  const failed = (attempt: number): BankEvent => ({
    type: 'taskFailed',
    taskId: '1',
    attempt,
    agentId: 'a',
    kind: 'k',
    context: {},
    startedAt: 0,
    error: 'TIMEOUT',
  });
  const [verdict] = verdicts(bank.handle(failed(1), 1));
  t.same(verdict?.parts, { quality: -1, speed: -1, calibration: null, reliability: 2 / 3 - 1 });
  bank.handle(failed(2), 2);
  bank.handle(failed(2), 2);
  const [row] = bank.reports.performance({ agentId: 'a' });
  t.match(row, { delivered: 0, failed: 2, outcomes: 2, successRate: { value: 0 }, latency: null });
});

t.test('a forecast is judged when its future arrives, once', async (t) => {
  const bank = aBank();
  const given = bank.handle(completed('1', { confidence: 0.6, awaits: { expected: 0.02 } }), 10);
  t.match(records(given), [{ type: 'forecast', taskId: '1', forecast: { expected: 0.02 } }]);
  t.same(verdicts(given), []);
  t.match(bank.reports.performance({ agentId: 'a' })[0], {
    delivered: 1,
    outcomes: 0,
    latency: { recent: 10 },
  });
  t.same(
    bank.handle(completed('1', { awaits: { expected: 0.05 } }), 11),
    [],
    'a repeated result changes nothing',
  );

  const judged = bank.handle({ type: 'outcomeReported', taskId: '1', outcome: { actual: 0.04 } }, 20);
  t.match(records(judged), [
    { type: 'forecast', taskId: '1', forecast: null },
    { type: 'experience', experience: { source: 'forecast', outcome: { success: true, confidence: 0.6 } } },
  ]);
  t.ok(Math.abs((verdicts(judged)[0]?.parts.quality ?? 0) - 1 / 3) < 1e-9, '(0.04 - 0.02) / (0.04 + 0.02)');
  t.match(bank.reports.performance({ agentId: 'a' })[0], { delivered: 1, outcomes: 1 });

  const again = bank.handle({ type: 'outcomeReported', taskId: '1', outcome: { actual: 0.04 } }, 21);
  t.same(again, [{ type: 'outcomeUnmatched', taskId: '1' }]);
});

t.test(
  'an outcome on the scale of the kind needs no forecast of it; one that says nothing changes nothing',
  async (t) => {
    const kinds = { k: { scale: { worst: 0, best: 10, successAbove: 5 } } };
    const bank = aBank({ kinds });
    bank.handle(completed('1', { awaits: { expected: null } }), 1);
    const report = (outcome: Extract<BankEvent, { type: 'outcomeReported' }>['outcome']) =>
      bank.handle({ type: 'outcomeReported', taskId: '1', outcome }, 2);
    t.same(report({ actual: 1 }), [{ type: 'outcomeUnmatched', taskId: '1' }]);
    t.same(report({ value: NaN }), [{ type: 'outcomeUnmatched', taskId: '1' }]);
    t.match(verdicts(report({ value: 7.5 })), [{ parts: { quality: 0.5 } }]);
    t.throws(() => aBank({ kinds: { k: { scale: { worst: 1, best: 1, successAbove: 0 } } } }), /scale of k/);
  },
);

t.test('forecasts wait in bounds of number and age', async (t) => {
  const bank = aBank({ pending: { maxPending: 3, maxAgeMs: 100 } });
  for (let n = 0; n < 5; n++) bank.handle(completed(String(n), { awaits: { expected: 1 } }), n);
  t.match(bank.reports.summary(), { pendingForecasts: 3, unjudged: 2 });
  t.same(bank.handle({ type: 'outcomeReported', taskId: '0', outcome: { actual: 1 } }, 6), [
    { type: 'outcomeUnmatched', taskId: '0' },
  ]);
  t.equal(bank.nextDeadline(), 102);
  t.same(records(bank.handle({ type: 'tick' }, 103)), [
    { type: 'forecast', taskId: '2', forecast: null },
    { type: 'forecast', taskId: '3', forecast: null },
  ]);
  t.equal(bank.nextDeadline(), 104);
});

t.test("an agent's own account: its kind by its task, its context, or other", async (t) => {
  const bank = aBank();
  const kindOf = (event: BankEvent) => verdicts(bank.handle(event, 1))[0]?.kind;
  const first = reported('1');
  t.equal(kindOf(first.type === 'experienceReported' ? { ...first, kind: 'compute' } : first), 'compute');
  t.equal(kindOf(reported('2', { context: { kind: 'mine' } })), 'mine');
  t.equal(kindOf(reported('3')), 'other');
});

t.test('speed is measured against the others at the same kind and context', async (t) => {
  const bank = aBank();
  for (let n = 0; n < 5; n++) bank.handle(completed(`p${n}`, { agentId: 'peer', latencyMs: 100 }), n);
  const speed = (taskId: string, latencyMs: number) =>
    verdicts(bank.handle(completed(taskId, { latencyMs }), 10))[0]?.parts.speed ?? NaN;
  t.ok(Math.abs(speed('1', 100)) < 0.03);
  t.ok(Math.abs(speed('2', 50) - 1 / 3) < 0.03);
  t.ok(Math.abs(speed('3', 200) + 1 / 3) < 0.03, 'its own latencies do not move the measure');
});

t.test('another judge is asked, and the built-in verdict counts when it stays silent', async (t) => {
  const bank = aBank({ judgeWithinMs: 100 });
  bank.handle({ type: 'judgeAvailable', available: true }, 0);
  const asked = bank.handle(completed('1'), 1);
  t.same(
    asked.map(({ type }) => type),
    ['store', 'judge'],
  );
  const verdict: BankEvent = {
    type: 'verdictReceived',
    experienceId: 'task:1',
    agentId: 'a',
    judge: 'sage',
    score: 5,
    confidence: 0.5,
    suggestions: [],
  };
  t.match(verdicts(bank.handle(verdict, 2)), [{ judge: 'sage', score: 1, confidence: 0.5 }]);
  t.same(bank.handle(verdict, 3), [], 'once');

  bank.handle(completed('2'), 10);
  bank.handle(completed('3'), 20);
  t.equal(bank.nextDeadline(), 110);
  t.match(verdicts(bank.handle({ type: 'tick' }, 110)), [{ experienceId: 'task:2', judge: 'built-in' }]);
  const gone = bank.handle({ type: 'judgeAvailable', available: false }, 111);
  t.match(verdicts(gone), [{ experienceId: 'task:3', judge: 'built-in', judgedAt: 111 }]);
});

const ADAPTING: BankOptions = {
  adaptation: {
    parameters: {
      k: [{ name: 'window', type: 'integer', initial: 3, minimum: 0, maximum: 10, scale: 'linear', step: 1 }],
    },
    window: 5,
    baseline: 5,
    trial: { outcomes: 5, looks: 2, level: 0.1 },
  },
};

t.test('poor verdicts lead to an adaptation, which later verdicts judge', async (t) => {
  const bank = aBank(ADAPTING);
  let window: unknown = 3;
  let now = 0;
  const ends: string[] = [];
  const advised: Verdict[] = [];
  for (let n = 0; n < 200; n++) {
    now++;
    const value = Number(window) >= 5 ? 0.9 : -0.5 + 0.3 * (Number(window) - 3) + 0.01 * (n % 3);
    const actions = [...bank.handle(completed(String(n), { startedAt: now, outcome: { value } }), now)];
    for (let action = actions.shift(); action !== undefined; action = actions.shift()) {
      if (action.type === 'verdict' && action.verdict.shouldAdapt) advised.push(action.verdict);
      if (action.type === 'adapted') ends.push(action.report.end);
      if (action.type !== 'adapt') continue;
      t.equal(action.command.kind, 'k');
      window = action.command.suggestions[0]?.suggested;
      const { adaptationId } = action.command;
      actions.push(...bank.handle({ type: 'adaptationAcknowledged', agentId: 'a', adaptationId }, now));
    }
  }
  t.equal(window, 5);
  t.ok(ends.filter((end) => end === 'kept').length >= 2);
  t.ok(advised.length > 0);
  t.match(advised[0]?.suggestions[0], { parameter: 'window', current: 3 });
  t.match(bank.reports.underWay({ agentId: 'a' }), [{ phase: 'watching', values: { window: 5 } }]);
  t.equal(bank.reports.adaptations().length, ends.length);
});

t.test(
  'lessons are distilled from what went well and what did not, and recalled for tasks like them',
  async (t) => {
    const bank = aBank({ batches: { size: 4 } });
    let stored = 0;
    for (let n = 0; n < 8; n++) {
      const agentId = n % 2 === 0 ? 'good' : 'poor';
      const value = agentId === 'good' ? 1 : -1;
      const context = { metric: 'dtw' };
      const actions = bank.handle(
        completed(String(n), { agentId, context, confidence: 0.9, outcome: { value } }),
        n,
      );
      stored += records(actions).filter(({ type }) => type === 'memory').length;
    }
    t.equal(stored, 2);
    const { recalled, actions } = bank.recall('k', { metric: 'dtw' }, 5, 10);
    t.same(recalled.map(({ item }) => item.learnedFrom).sort(), ['failure', 'success']);
    t.match(recalled.find(({ item }) => item.learnedFrom === 'failure')?.item.content, /poor/);
    t.equal(records(actions).length, 2, 'their use is stored');
    t.same(bank.recall('other-kind', { metric: 'dtw' }, 5, 10).recalled, []);
  },
);

t.test('a distiller outside gets the batch, and its drafts are remembered', async (t) => {
  const bank = aBank({ batches: { size: 2 }, distiller: 'external' });
  const actions = [1, 2].flatMap((n) => bank.handle(completed(String(n), { outcome: { value: 1 } }), n));
  t.same(
    only(actions, 'distil').map(({ batch }) => batch.judged.length),
    [2],
  );
  const drafts = [
    {
      title: 't',
      description: 'd',
      content: 'c',
      kind: 'k',
      learnedFrom: 'success' as const,
      context: {},
      sources: ['task:1'],
    },
  ];
  bank.handle({ type: 'memoriesDistilled', drafts }, 3);
  t.match(bank.reports.memories(), [{ title: 't', evidence: 1 }]);
});

const number = fc.double({ min: -1, max: 1, noNaN: true });
const agentId = fc.constantFrom('a', 'b');
const taskId = fc.integer({ min: 0, max: 30 }).map(String);
const events: fc.Arbitrary<BankEvent> = fc.oneof(
  fc.record({ taskId, agentId, value: number }).map(({ taskId: id, agentId: agent, value }) =>
    completed(id, {
      agentId: agent,
      context: { x: value },
      confidence: 0.5,
      outcome: { value },
      startedAt: 1e9,
    }),
  ),
  fc
    .record({ taskId, agentId, expected: number })
    .map(({ taskId: id, agentId: agent, expected }) =>
      completed(id, { agentId: agent, awaits: { expected } }),
    ),
  fc.record({ taskId, actual: number }).map(({ taskId: id, actual }): BankEvent => {
    return { type: 'outcomeReported', taskId: id, outcome: { actual } };
  }),
  fc.record({ taskId, agentId }).map(({ taskId: id, agentId: agent }): BankEvent => {
    return {
      type: 'taskFailed',
      taskId: id,
      attempt: 1,
      agentId: agent,
      kind: 'k',
      context: {},
      startedAt: 0,
      error: 'E',
    };
  }),
  fc
    .record({ id: taskId, value: number })
    .map(({ id, value }) => reported(id, { outcome: { value, confidence: 0.1, latencyMs: 1 } })),
  fc.integer({ min: 1, max: 60 }).map((n): BankEvent => {
    return { type: 'adaptationAcknowledged', agentId: 'a', adaptationId: `id-${n}` };
  }),
  fc.constant<BankEvent>({ type: 'tick' }),
);
const OPTIONS: BankOptions = {
  ...ADAPTING,
  adaptation: {
    ...ADAPTING.adaptation,
    window: 2,
    baseline: 2,
    trial: { outcomes: 2, looks: 2, level: 0.1 },
  },
  pending: { maxAgeMs: 40 },
  // what is gathered for the distiller is in no snapshot
  batches: { size: 1 },
};

t.test('a bank restored from a snapshot goes on as the one that it was taken of', async () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 80 }), fc.array(events, { maxLength: 80 }), (before, after) => {
      const shared = ports();
      const bank = aBank(OPTIONS, undefined, shared);
      before.forEach((event, now) => bank.handle(event, now));
      const snapshot = JSON.parse(JSON.stringify(bank.snapshot(before.length))) as BankSnapshot;
      // both go on with equal ids and luck
      const [one, two] = [ports(3), ports(3)];
      const first = aBank(OPTIONS, snapshot, one);
      const second = aBank(OPTIONS, JSON.parse(JSON.stringify(first.snapshot(0))) as BankSnapshot, two);
      return after.every((event, n) => {
        const now = before.length + n;
        return JSON.stringify(first.handle(event, now)) === JSON.stringify(second.handle(event, now));
      });
    }),
    { numRuns: 50 },
  );
});

t.test('records since a snapshot bring back what counts, also when some are given twice', async (t) => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 80 }), fc.nat(80), (list, cut) => {
      const bank = aBank(OPTIONS);
      let snapshot = bank.snapshot(0);
      const since: BankRecord[] = [];
      list.forEach((event, now) => {
        const stored = records(bank.handle(event, now));
        since.push(...stored);
        if (now === cut) snapshot = JSON.parse(JSON.stringify(bank.snapshot(now))) as BankSnapshot;
      });
      const recovered = aBank(OPTIONS, snapshot);
      // all of them: those before the snapshot must do no harm
      for (const record of JSON.parse(JSON.stringify(since)) as BankRecord[]) recovered.recover(record);
      const essence = (of: typeof bank) => {
        const { memories, forecasts, performance, adaptation } = of.snapshot(0);
        return JSON.stringify([
          memories.map(({ memoryId }) => memoryId).sort(),
          forecasts.map(({ taskId: id }) => id),
          performance.agents
            .map(({ agentId: id, cell }) => [id, cell.outcomes, cell.successes, cell.failed])
            .sort(),
          performance.kinds.map(({ kind, cell }) => [kind, cell.delivered, cell.latency]).sort(),
          adaptation.adaptations.map(({ agentId: id, phase, values }) => [id, phase.phase, values]).sort(),
        ]);
      };
      // adaptations that were only ever watched have no record
      const watched = aBank(OPTIONS, bank.snapshot(0));
      return essence(recovered).length > 0 && sameButWatched(essence(recovered), essence(watched));
    }),
    { numRuns: 100 },
  );
  t.end();
});

function sameButWatched(a: string, b: string): boolean {
  const strip = (text: string) => text.replaceAll(/,?\["[ab]","watching",\{\}\]/g, '').replaceAll('[,', '[');
  return strip(a) === strip(b);
}

t.test('actions and snapshots are plain values', async () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (list) => {
      const bank = aBank(OPTIONS);
      return list.every((event, now) => {
        const actions = bank.handle(event, now);
        return JSON.stringify(JSON.parse(JSON.stringify(actions))) === JSON.stringify(actions);
      });
    }),
    { numRuns: 30 },
  );
});

t.test('experiences survive the form in which a store keeps them', async () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (list) => {
      const bank = aBank(OPTIONS);
      return list.every((event, now) =>
        records(bank.handle(event, now)).every((record) => {
          if (record.type !== 'experience') return true;
          const back = fromStored(
            JSON.parse(JSON.stringify(toStored(record.experience))) as ReturnType<typeof toStored>,
          );
          return JSON.stringify(back) === JSON.stringify(record.experience);
        }),
      );
    }),
    { numRuns: 20 },
  );
});

t.test('hostile numbers do no harm', async (t) => {
  const bank = aBank(OPTIONS);
  const odd = [NaN, Infinity, -Infinity, 1e308, -1e308, -0];
  odd.forEach((value, n) => {
    bank.handle(completed(`c${n}`, { confidence: value, latencyMs: value, outcome: { value } }), n);
    bank.handle(completed(`f${n}`, { awaits: { expected: value } }), n);
    bank.handle({ type: 'outcomeReported', taskId: `f${n}`, outcome: { actual: -value } }, n);
    bank.handle(reported(`r${n}`, { outcome: { value, confidence: value, latencyMs: value } }), n);
  });
  for (const verdict of bank.reports.verdicts()) {
    t.ok(verdict.score >= -1 && verdict.score <= 1 && verdict.confidence >= 0 && verdict.confidence <= 1);
  }
  t.notMatch(
    JSON.stringify(
      bank.reports.performance({ kind: 'k' }).map(({ grade, latency }) => [grade, latency?.p95]),
    ),
    /null,null/,
  );
});
