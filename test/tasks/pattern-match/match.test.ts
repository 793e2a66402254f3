import fc from 'fast-check';
import t from 'tap';
import { parsePatternMatchInput } from '../../../src/tasks/pattern-match/input.js';
import { match } from '../../../src/tasks/pattern-match/match.js';
import { METRICS } from '../../../src/tasks/pattern-match/options.js';
import {
  cost,
  exactSeries,
  near,
  radius,
  referenceDtw,
  referenceLcss,
  referenceNormalize,
} from './reference.js';

const run = (input: unknown) => match(parsePatternMatchInput(input));

const options = fc.record({
  metric: fc.constantFrom(...METRICS),
  cost,
  normalize: fc.boolean(),
  epsilon: fc.constantFrom<number>(0, 0.5, 1),
  symbols: fc.constantFrom('values' as const, 'directions' as const),
});
type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

function steps(series: readonly number[], epsilon: number): number[] {
  return series.slice(1).map((x, i) => {
    const step = x - (series[i] ?? NaN);
    return Math.abs(step) <= epsilon ? 0 : Math.sign(step);
  });
}

/** The distance by the definitions alone. */
function referenceDistance(
  current: Float64Array,
  window: Float64Array,
  options: Options,
  radius: number | null,
): number {
  const [a, b] = [current, window].map((series) =>
    options.normalize ? referenceNormalize(series) : [...series],
  );
  if (a === undefined || b === undefined) throw new Error('two series');
  if (options.metric === 'dtw') return referenceDtw(a, b, options.cost, radius);
  const strings = options.metric === 'lcs' && options.symbols === 'directions';
  const [x, y] = strings ? [steps(a, options.epsilon), steps(b, options.epsilon)] : [a, b];
  const shorter = Math.min(x.length, y.length);
  return (shorter - referenceLcss(x, y, strings ? 0 : options.epsilon, radius)) / shorter;
}

/**
 * Normalised values are rounded, so a step or difference right at epsilon may fall on either side in the reference;
 * an epsilon that no difference of small fractions hits keeps the comparison exact.
 */
const comparable = (options: Options): Options =>
  options.normalize ? { ...options, epsilon: 0.123456789 } : options;

/** A constant cannot be normalised: such inputs are refused. */
const varies = (series: Float64Array) => series.some((x) => x !== series[0]);
const acceptable = (options: Options, ...series: Float64Array[]): Options =>
  series.every(varies) ? options : { ...options, normalize: false };

const longEnough = (length: number) =>
  fc.record({ current: exactSeries(6, 2), series: exactSeries(length, 8) });

void t.test('the search in a series equals comparing every offset', (t) => {
  fc.assert(
    fc.property(
      longEnough(40),
      options,
      fc.integer({ min: 1, max: 3 }),
      fc.nat(8),
      radius,
      (lists, raw, k, exclusion, limit) => {
        const { current, series } = lists;
        const options = acceptable(comparable(raw), current, series);
        const window = limit === null ? null : Math.min(limit, series.length);
        const input = { ...lists, ...options, k, exclusion, window, delta: window };
        const offsets = Array.from({ length: series.length - current.length + 1 }, (_, offset) => offset);
        const distanceAt = (offset: number) =>
          referenceDistance(current, series.slice(offset, offset + current.length), options, window);
        const found = run(input).matches;
        const chosen: number[] = [];
        for (const entry of found) {
          if (!('offset' in entry)) throw new Error('a match in a series has an offset');
          t.ok(near(entry.distance, distanceAt(entry.offset)));
          // Nothing that was still allowed is better: so it is the greedy choice, up to equal distances.
          for (const offset of offsets) {
            if (chosen.some((other) => Math.abs(other - offset) < Math.max(1, exclusion))) continue;
            t.ok(distanceAt(offset) >= entry.distance || near(distanceAt(offset), entry.distance));
          }
          t.ok(chosen.every((other) => Math.abs(other - entry.offset) >= exclusion));
          chosen.push(entry.offset);
        }
        const allowed = offsets.filter((offset) =>
          chosen.every((other) => Math.abs(other - offset) >= Math.max(1, exclusion)),
        );
        t.ok(found.length === k || allowed.length === 0, 'fewer than k only when no offset is left');
      },
    ),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('the search among windows equals comparing every window', (t) => {
  const lists = fc.record({
    current: exactSeries(8, 2),
    historical: fc.array(exactSeries(8, 2), { minLength: 3, maxLength: 12 }),
  });
  fc.assert(
    fc.property(lists, options, fc.integer({ min: 1, max: 3 }), (lists, raw, k) => {
      const options = acceptable(comparable(raw), lists.current);
      const distances = lists.historical.map((window) =>
        referenceDistance(lists.current, window, options, null),
      );
      const found = run({ ...lists, ...options, k }).matches;
      const sorted = [...distances].sort((a, b) => a - b);
      t.equal(found.length, k);
      t.equal(new Set(found.map((entry) => ('index' in entry ? entry.index : -1))).size, k);
      found.forEach((entry, rank) => {
        const index = 'index' in entry ? entry.index : -1;
        t.ok(near(entry.distance, distances[index] ?? NaN) && near(entry.distance, sorted[rank] ?? NaN));
      });
    }),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('every number is in its range and survives JSON', (t) => {
  fc.assert(
    fc.property(longEnough(40), options, (lists, raw) => {
      const result = run({ ...lists, ...acceptable(raw, lists.current, lists.series) });
      const inRange = result.matches.every(
        ({ distance, similarity }) =>
          distance >= 0 && similarity >= 0 && similarity <= 1 && (distance > 0 || similarity === 1),
      );
      const same = JSON.stringify(JSON.parse(JSON.stringify(result))) === JSON.stringify(result);
      return inRange && same && result.confidence >= 0 && result.confidence <= 1;
    }),
  );
  t.end();
});

void t.test('windows by index, of any lengths', (t) => {
  const result = run({
    current: [1, 2, 3],
    historical: [
      [9, 9, 9],
      [1, 2, 2, 3, 4],
      [1, 2, 3],
    ],
    k: 2,
  });
  t.match(result, {
    patternType: 'dtw-windows',
    expectedOutcome: null,
    matches: [
      { index: 2, distance: 0, similarity: 1, outcome: null },
      { index: 1, distance: 1, similarity: 1 / (1 + 1 / Math.sqrt(3)), outcome: null },
    ],
  });
  t.end();
});

void t.test('windows with outcomes carry a forecast', (t) => {
  const historical = [
    [1, 2],
    [5, 9],
    [1, 2],
  ];
  const result = run({ current: [1, 2], historical, outcomes: [0.25, -7, 0.75], k: 2 });
  t.same(
    result.matches.map(({ outcome }) => outcome),
    [0.25, 0.75],
  );
  t.equal(result.expectedOutcome, 0.5);
  t.equal(result.confidence, 1);
  t.end();
});

void t.test('in a series, what followed each match; at its end nothing is known', (t) => {
  const result = run({ current: [1, 2, 3], series: [1, 2, 3, 6, 0, 0, 1, 2, 3], k: 2, horizon: 1 });
  t.same(result, {
    patternType: 'dtw-subsequence',
    matches: [
      { offset: 0, distance: 0, similarity: 1, outcome: 1 },
      { offset: 6, distance: 0, similarity: 1, outcome: null },
    ],
    confidence: 1,
    expectedOutcome: 1,
  });
  t.end();
});

void t.test('a horizon past the end gives null, not an error', (t) => {
  const result = run({ current: [1, 2], series: [1, 2, 3], horizon: 1000 });
  t.equal(result.expectedOutcome, null);
  t.ok(result.matches.length > 0);
  t.end();
});

void t.test('the default exclusion lets matches overlap by half', (t) => {
  const flat = new Array<number>(12).fill(1);
  const offsets = (extra: object) =>
    run({ current: [1, 1, 1, 1, 1], series: flat, k: 3, ...extra }).matches.map(
      (entry) => 'offset' in entry && entry.offset,
    );
  t.same(offsets({}), [0, 3, 6]);
  t.same(offsets({ exclusion: 5 }), [0, 5]);
  t.same(offsets({ exclusion: 0 }), [0, 1, 2]);
  t.end();
});

void t.test('normalised, a pattern is found at another level and scale', (t) => {
  const series = [5, 5, 5, 100, 120, 110, 130, 5, 5, 5];
  const result = run({ current: [1, 3, 2, 4], series, k: 1, normalize: true });
  const best = result.matches[0];
  t.ok(best !== undefined && 'offset' in best && best.offset === 3 && best.distance < 1e-12);
  t.end();
});

void t.test('lcs compares symbols, or directions', (t) => {
  const historical = [
    [10, 30, 20, 40],
    [1, 2, 3, 4],
  ];
  const best = (extra: object) =>
    run({ current: [1, 3, 2, 4], historical, metric: 'lcs', k: 1, ...extra }).matches[0];
  t.match(best({}), { index: 1, distance: 0.25, similarity: 0.75 });
  t.match(best({ symbols: 'directions' }), { index: 0, distance: 0, similarity: 1 });
  t.end();
});

void t.test('a stopped search throws what the pause throws', (t) => {
  const series = Array.from({ length: 20_000 }, (_, i) => Math.sin(i * i));
  const fractions: number[] = [];
  const input = parsePatternMatchInput({ current: series.slice(0, 200), series, metric: 'lcss', epsilon: 0 });
  t.throws(
    () =>
      match(input, (fraction) => {
        fractions.push(fraction);
        if (fractions.length === 3) throw new Error('stop');
      }),
    { message: 'stop' },
  );
  const [first = NaN, second = NaN, third = NaN] = fractions;
  t.ok(first >= 0 && first < second && second < third && third < 1);
  t.end();
});
