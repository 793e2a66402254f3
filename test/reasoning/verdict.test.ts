import fc from 'fast-check';
import t from 'tap';
import type { Experience } from '../../src/reasoning/experience.js';
import { skill } from '../../src/reasoning/forecast-judge.js';
import { gradeOf, SIGNED } from '../../src/reasoning/outcome-scale.js';
import { SeededRandom } from '../../src/numeric/random.js';
import { DecayedMoments } from '../../src/reasoning/statistics/decayed-moments.js';
import { scoringJudge, type Standing } from '../../src/reasoning/verdict.js';
import { anExperience, normal } from './support.js';

const judge = scoringJudge();

const share = fc.double({ min: 0, max: 1, noNaN: true });
const latency = fc.oneof(fc.constant(null), fc.double({ min: 0, max: 1e7, noNaN: true }));
const cases = fc.record({
  value: fc.double({ min: -2, max: 2, noNaN: true }),
  confidence: fc.oneof(fc.constant(null), share),
  latencyMs: latency,
  peersMedianMs: latency,
  outcomes: fc.nat(1_000),
  successShare: share,
  scores: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 20 }),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function judged(given: Case) {
  const { value, confidence, latencyMs, peersMedianMs, outcomes, successShare, scores } = given;
  const success = latencyMs !== null && value > 0;
  const experience: Experience = anExperience({ outcome: { value, confidence, latencyMs, success } });
  const moments = new DecayedMoments(0.99);
  for (const score of scores) moments.add(score);
  const standing: Standing = {
    grade: gradeOf(experience.outcome, SIGNED),
    peersMedianMs,
    outcomes,
    successes: Math.floor(successShare * outcomes),
    scores: moments,
  };
  return judge(experience, standing);
}

const LEAST = 1e-12;

t.test('score and parts are from -1 to 1, confidence from 0 to 1, and the same every time', async () => {
  fc.assert(
    fc.property(cases, (given) => {
      const { score, confidence, parts } = judged(given);
      const within = (value: number | null) => value === null || (value >= -1 && value <= 1);
      return (
        [score, parts.quality, parts.speed, parts.calibration, parts.reliability].every(within) &&
        confidence >= 0 &&
        confidence <= 1 &&
        JSON.stringify(judged(given)) === JSON.stringify(judged({ ...given }))
      );
    }),
  );
});

t.test('a better outcome never lowers the score', async () => {
  fc.assert(
    fc.property(cases, fc.double({ min: 0, max: 2, noNaN: true }), (given, more) => {
      return judged({ ...given, value: given.value + more }).score >= judged(given).score - LEAST;
    }),
  );
});

t.test('a lower latency never lowers the score, and any result is better than none', async () => {
  fc.assert(
    fc.property(cases, fc.double({ min: 0, max: 1e7, noNaN: true }), share, (given, slower, factor) => {
      const slow = judged({ ...given, latencyMs: slower }).score;
      const fast = judged({ ...given, latencyMs: slower * factor }).score;
      return fast >= slow - LEAST && slow >= judged({ ...given, latencyMs: null }).score - LEAST;
    }),
  );
});

t.test('a confidence nearer to the outcome never lowers the score', async () => {
  fc.assert(
    fc.property(cases, share, share, (given, confidence, nearer) => {
      const outcome = { value: given.value, confidence, latencyMs: given.latencyMs, success: true };
      const grade = gradeOf(outcome, SIGNED);
      const closer = confidence + (grade - confidence) * nearer;
      return judged({ ...given, confidence: closer }).score >= judged({ ...given, confidence }).score - LEAST;
    }),
  );
});

t.test('more successes before never lower the score', async () => {
  fc.assert(
    fc.property(cases, share, (given, more) => {
      const successShare = given.successShare + (1 - given.successShare) * more;
      return judged({ ...given, successShare }).score >= judged(given).score - LEAST;
    }),
  );
});

t.test('confidence 0.8 means: in 8 of 10 such verdicts the agent is really on that side', async (t) => {
  const random = new SeededRandom(11);
  const right = new Map<number, { count: number; sure: number; right: number }>();
  for (let agent = 0; agent < 3_000; agent++) {
    // agents differ, and so does how much their scores vary
    const level = 0.3 * normal(random);
    const noise = 0.2 + 0.4 * random.fraction();
    const scores = new DecayedMoments(0.99);
    for (let n = 0; n < 12; n++) {
      const score = level + noise * normal(random);
      // the judge on an experience of quality alone, so that the score is what was drawn
      const { confidence } = scoringJudge({ quality: 1, speed: 0, calibration: 0, reliability: 0 })(
        anExperience({ outcome: { value: score, confidence: null, latencyMs: 1, success: score > 0 } }),
        { grade: (score + 1) / 2, peersMedianMs: null, outcomes: 0, successes: 0, scores },
      );
      scores.add(Math.min(1, Math.max(-1, score)));
      const bin = Math.min(9, Math.floor(confidence * 10));
      const entry = right.get(bin) ?? { count: 0, sure: 0, right: 0 };
      entry.count++;
      entry.sure += confidence;
      if (Math.sign(level) === Math.sign(score)) entry.right++;
      right.set(bin, entry);
    }
  }
  for (const [bin, { count, sure, right: hits }] of [...right].sort(([a], [b]) => a - b)) {
    if (count < 300) continue;
    t.ok(
      Math.abs(hits / count - sure / count) < 0.06,
      `said ${(sure / count).toFixed(3)}, was ${(hits / count).toFixed(3)} (${count} verdicts, bin ${bin})`,
    );
  }
});

t.test('weights that would not be monotonic are refused', async (t) => {
  t.throws(() => scoringJudge({ quality: 0.3, speed: 0.3, calibration: 0.3, reliability: 0.1 }), RangeError);
  t.throws(() => scoringJudge({ quality: 0.9, speed: 0.3, calibration: 0, reliability: 0 }), RangeError);
  t.throws(() => scoringJudge({ quality: 1.1, speed: -0.1, calibration: 0, reliability: 0 }), RangeError);
  t.throws(() => scoringJudge({ quality: NaN, speed: 0, calibration: 0, reliability: 1 }), RangeError);
});

t.test(
  'the skill of a forecast: 1 exact, 0 like expecting nothing, never under -1, better the nearer',
  async (t) => {
    t.same(skill(0.02, 0.02), { value: 1, success: true });
    t.same(skill(0, 0.02), { value: 0, success: false });
    t.same(skill(0, 0), { value: 1, success: true });
    t.ok(skill(-0.02, 0.02).value < 0);
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(number, number, share, (expected, actual, nearer) => {
        const { value } = skill(expected, actual);
        const gap = actual - expected;
        if (!Number.isFinite(gap)) return value === -1;
        return value >= -1 && value <= 1 && skill(expected + gap * nearer, actual).value >= value - 1e-9;
      }),
    );
  },
);
