import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { Reasoner, type ReasonerOptions } from '../../src/agent/reasoner.js';
import type { Log } from '../../src/observe/log.js';
import type { MessageOf } from '../../src/protocol/messages.js';
import { FakeClock } from '../support/fake-clock.js';

type Verdict = MessageOf<'ReasoningVerdict'>;

/** Of a perfect result. */
function experience(n: number): MessageOf<'ReasoningExperience'> {
  return {
    type: 'ReasoningExperience',
    experienceId: `task:${n}`,
    agentId: 'a1',
    taskId: String(n),
    action: 'forecast',
    context: { metric: 'dtw', points: n },
    outcome: { value: 1, confidence: 0.8, latencyMs: 5 },
    recordedAt: n,
    judging: {
      kind: 'pattern-match',
      source: 'forecast',
      success: true,
      value: 1,
      confidence: 0.8,
      latencyMs: 5,
      startedAt: 0,
      grade: 1,
      peersMedianMs: null,
      outcomes: 0,
      successes: 0,
      scores: { weight: 0, squaredWeight: 0, mean: 0, squares: 0 },
      score: 0.6,
      scoreConfidence: 0.8,
    },
  };
}

function reasoner(options: ReasonerOptions) {
  const clock = new FakeClock();
  const sent: Verdict[] = [];
  const warnings: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields) => {
      const { err } = fields as { readonly err: Error };
      warnings.push(err.message);
    },
    error: () => undefined,
  };
  const made = new Reasoner(options, { clock, log, send: (verdict) => sent.push(verdict) });
  return { reasoner: made, clock, sent, warnings };
}

t.test('without an own judge it says what the coordinator would', async (t) => {
  const { reasoner: own, sent } = reasoner({});
  const message = experience(1);
  await own.judge(message);
  t.match(sent, [{ experienceId: 'task:1', agentId: 'a1' }]);
  t.ok((sent[0]?.score ?? 0) > 0.5);
  const { judging: _judging, ...told } = message;
  await own.judge(told);
  t.equal(sent.length, 1, 'what is not to be judged is not');
});

t.test('an own judge is asked, may take its time, and is kept in range', async (t) => {
  const seen: unknown[] = [];
  const { reasoner: own, sent } = reasoner({
    judge: async (told, standing) => {
      seen.push(told.context, standing.grade);
      await setImmediate();
      return { score: -7, confidence: 3 };
    },
  });
  await own.judge(experience(4));
  t.strictSame(seen, [{ metric: 'dtw', points: 4 }, 1]);
  t.match(sent, [{ score: -1, confidence: 1 }]);
});

t.test('a judge that fails says nothing, and that is logged once', async (t) => {
  const answers: [string, () => unknown, RegExp][] = [
    [
      'throws',
      () => {
        throw new RangeError('no model');
      },
      /^no model$/,
    ],
    ['rejects', () => Promise.reject(new Error('no network')), /^no network$/],
    ['nothing', () => undefined, /score is missing, confidence missing/],
    ['words', () => ({ score: 'good', confidence: 1 }), /score is 'good'/],
    ['no number', () => ({ score: NaN, confidence: 1 }), /score is NaN/],
  ];
  for (const [name, judge, warning] of answers) {
    const { reasoner: own, sent, warnings } = reasoner({ judge });
    await own.judge(experience(1));
    await own.judge(experience(2));
    t.strictSame(sent, [], name);
    t.equal(warnings.length, 1, name);
    t.match(warnings[0], warning, name);
  }
});

t.test('a judge that never returns is broken off, and left alone for a minute', async (t) => {
  let calls = 0;
  const {
    reasoner: own,
    clock,
    sent,
    warnings,
  } = reasoner({
    judge: () => {
      if (++calls > 1) return { score: 0.5, confidence: 0.5 };
      for (;;);
    },
  });
  await own.judge(experience(1));
  t.match(warnings, [/did not return within 250 ms/]);
  await own.judge(experience(2));
  t.equal(calls, 1, 'it is not asked');
  clock.advance(60_000);
  await own.judge(experience(3));
  t.match(sent, [{ experienceId: 'task:3', score: 0.5 }]);
});

t.test('a promise that is not kept is no longer waited for', async (t) => {
  const { reasoner: own, clock, sent, warnings } = reasoner({ judge: () => new Promise(() => undefined) });
  const judging = Array.from({ length: 65 }, (_, n) => own.judge(experience(n)));
  await judging[64];
  t.match(warnings, [/64 answers outstanding/]);
  t.equal(clock.pending, 64);
  clock.advance(4_000);
  await Promise.all(judging);
  t.equal(clock.pending, 0);
  const last = own.judge(experience(65));
  own.close();
  await last;
  t.equal(clock.pending, 0, 'nothing is left when it is closed');
  t.strictSame(sent, []);
});

const LESSON = { title: 'short patterns', description: 'They did well.', content: 'Prefer them.' };

t.test('an own distiller gets what went alike, and its lessons follow the verdict', async (t) => {
  const { reasoner: own, sent } = reasoner({
    judge: () => ({ score: 0.9, confidence: 0.9 }),
    distiller: ({ kind, learnedFrom, judged }) => {
      t.match(judged[0]?.verdict, { score: 0.9, parts: { quality: 1 } });
      return [{ ...LESSON, title: `${kind} ${learnedFrom}` }, LESSON];
    },
  });
  for (let n = 0; n < 8; n++) await own.judge({ ...experience(n), context: { metric: 'dtw', points: 20 } });
  const [first, second] = sent.at(-1)?.memories ?? [];
  t.match(first, {
    title: 'pattern-match success',
    kind: 'pattern-match',
    learnedFrom: 'success',
    context: { metric: 'dtw', points: 20 },
    sources: ['task:0', 'task:7'].map((id) => (id === 'task:0' ? id : 'task:1')),
  });
  t.match(second, LESSON);
  t.equal(sent.length, 9, 'eight verdicts, and the last again with lessons');
});

t.test('a distiller that fails draws no lesson, and the verdicts count', async (t) => {
  for (const distiller of [
    () => {
      throw new Error('no');
    },
    () => 'a lesson',
    () => [{ ...LESSON, title: '' }],
    () => [{ ...LESSON, content: 7 }],
    () => [null],
  ]) {
    const { reasoner: own, sent, warnings } = reasoner({ distiller });
    for (let n = 0; n < 8; n++) await own.judge({ ...experience(n), context: {} });
    t.equal(sent.length, 8);
    t.ok(sent.every(({ memories }) => memories === undefined));
    t.equal(warnings.length, 1);
  }
});
