import fc from 'fast-check';
import t from 'tap';
import { common, exactPoint, near, normals, realPoint, referencePearson, run, table } from './reference.js';

void t.test('finds a planted lag, and its sign', (t) => {
  const next = normals(11);
  const market = Array.from({ length: 400 }, next);
  const after = (lag: number, sign: number) =>
    market.map((_, i) => (i < lag ? next() : sign * (market[i - lag] ?? 0) + 0.2 * next()));
  const strategies = [market, after(3, 1), after(7, -1)];
  const { leadLag } = run({ strategies, maxLag: 10 });
  t.same(leadLag?.lags, [Float64Array.of(0, 3, 7), Float64Array.of(-3, 0, 4), Float64Array.of(-7, -4, 0)]);
  t.ok((leadLag?.correlations[0]?.[1] ?? 0) > 0.9);
  t.ok((leadLag?.correlations[2]?.[0] ?? 0) < -0.9, 'the sign is kept');
  t.equal(leadLag?.functions, null);
  t.end();
});

const cases = [
  ['exact and missing', fc.option(exactPoint, { nil: null, freq: 10 }), 1e-11],
  ['exact', exactPoint, 1e-11],
  ['real', realPoint, 1e-6],
] as const;
for (const [name, point, tolerance] of cases) {
  void t.test(`the whole function is what its definition says: ${name}`, (t) => {
    fc.assert(
      fc.property(table<number | null>(point, 5, 25), fc.nat(), (strategies, size) => {
        const points = strategies[0]?.length ?? 0;
        const maxLag = size % (points - 2);
        const { leadLag } = run({ strategies, maxLag, lagFunctions: true });
        if (leadLag === null) return false;
        let pair = 0;
        for (let a = 0; a < strategies.length; a++) {
          for (let b = a + 1; b < strategies.length; b++) {
            const found = leadLag.functions?.[pair++];
            let largest = 0;
            for (let lag = -maxLag; lag <= maxLag; lag++) {
              const [x, y] = [strategies[a] ?? [], strategies[b] ?? []];
              const shifted =
                lag >= 0
                  ? common(x.slice(0, points - lag), y.slice(lag))
                  : common(x.slice(-lag), y.slice(0, points + lag));
              const expected = referencePearson(...shifted);
              const value = found?.[maxLag + lag];
              if (!near(value, expected, tolerance)) return false;
              if (!Number.isNaN(value)) largest = Math.max(largest, Math.abs(value ?? 0));
            }
            const best = leadLag.lags[a]?.[b] ?? NaN;
            const correlation = leadLag.correlations[a]?.[b] ?? NaN;
            if (Number.isNaN(best)) {
              if (!found?.every((value) => Number.isNaN(value))) return false;
            } else if (
              !near(found?.[maxLag + best], correlation, 0) ||
              !near(Math.abs(correlation), largest, 1e-11) ||
              leadLag.lags[b]?.[a] !== (best === 0 ? 0 : -best)
            ) {
              return false;
            }
          }
        }
        return true;
      }),
      { numRuns: 200 },
    );
    t.end();
  });
}

void t.test('a part that is constant, or far off the mean of the whole, is exact too', (t) => {
  const x = [1e6, 1, 2, 4, 3, 5, 6, 4];
  const y = [1, 2, 4, 3, 5, 6, 4, -1e6];
  const { leadLag } = run({ strategies: [x, y], maxLag: 2, lagFunctions: true });
  t.equal(leadLag?.lags[0]?.[1], -1);
  t.ok(near(leadLag?.correlations[0]?.[1], 1, 1e-15), 'without the outliers they are the same');
  const steps = run({
    strategies: [
      [1, 1, 1, 1, 2],
      [1, 2, 3, 4, 5],
    ],
    maxLag: 1,
    lagFunctions: true,
  });
  t.ok(Number.isNaN(steps.leadLag?.functions?.[0]?.[2]), 'without its last point it is constant');
  t.end();
});

void t.test('of equal correlations the smallest lag', (t) => {
  const wave = Array.from({ length: 40 }, (_, i) => i % 4);
  const { leadLag } = run({ strategies: [wave, wave], maxLag: 8 });
  t.equal(leadLag?.lags[0]?.[1], 0);
  const shifted = wave.map((_, i) => (i + 2) % 4);
  t.equal(run({ strategies: [wave, shifted], maxLag: 8 }).leadLag?.lags[0]?.[1], 2, 'of 2 and -2 the first');
  t.end();
});
