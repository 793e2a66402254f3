import fc from 'fast-check';
import t from 'tap';
import { forecast, outcomeAfter } from '../../../src/tasks/pattern-match/forecast.js';

void t.test('the outcome is the relative change over the horizon', (t) => {
  const series = Float64Array.of(100, 110, 99, -2, 1, 0, 5);
  t.equal(outcomeAfter(series, 0, 1), 0.1);
  t.equal(outcomeAfter(series, 0, 2), -0.01);
  t.equal(outcomeAfter(series, 3, 1), 1.5, 'a rise is positive from a negative level too');
  t.equal(outcomeAfter(series, 5, 1), null, 'nothing is relative to 0');
  t.equal(outcomeAfter(series, 5, 2), null, 'the series ends before');
  t.equal(outcomeAfter(series, 0, 0), null, 'no horizon, no outcome');
  t.equal(outcomeAfter(Float64Array.of(5e-324, 1e150), 0, 1), null, 'no ratio');
  t.end();
});

void t.test('the mean weighted by similarity, and how far the matches agree', (t) => {
  const { confidence, expectedOutcome } = forecast([
    { similarity: 0.75, outcome: 0.04 },
    { similarity: 0.25, outcome: -0.04 },
  ]);
  t.ok(Math.abs((expectedOutcome ?? NaN) - 0.02) < 1e-15);
  t.equal(confidence, 0.5 * 0.75);
  t.end();
});

void t.test('matches without a known outcome count for similarity alone', (t) => {
  t.same(
    forecast([
      { similarity: 1, outcome: 0.5 },
      { similarity: 0.5, outcome: null },
    ]),
    { confidence: 0.75, expectedOutcome: 0.5 },
  );
  t.same(forecast([{ similarity: 0.5, outcome: null }]), { confidence: 0.5, expectedOutcome: null });
  t.end();
});

void t.test('no match, or none that resembles: nothing is expected', (t) => {
  t.same(forecast([]), { confidence: 0, expectedOutcome: null });
  t.same(forecast([{ similarity: 0, outcome: 3 }]), { confidence: 0, expectedOutcome: null });
  t.end();
});

void t.test('confidence is within 0 and 1, the expectation within the outcomes', (t) => {
  const evidence = fc.record({
    similarity: fc.double({ min: 0, max: 1, noNaN: true }),
    outcome: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(evidence), (matches) => {
      const { confidence, expectedOutcome } = forecast(matches);
      const outcomes = matches.map(({ outcome }) => outcome).filter((outcome) => outcome !== null);
      const slack = 1e-9 * Math.max(...outcomes.map(Math.abs), 0);
      return (
        confidence >= 0 &&
        confidence <= 1 &&
        (expectedOutcome === null ||
          (expectedOutcome >= Math.min(...outcomes) - slack &&
            expectedOutcome <= Math.max(...outcomes) + slack))
      );
    }),
  );
  t.end();
});
