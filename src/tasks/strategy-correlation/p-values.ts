import { cell, emptyMatrix, type Matrix } from './matrix.js';
import { CorrelationTest } from './student.js';
import type { Work } from './work.js';

/** Nanoseconds for one p-value by the t distribution. */
export const COST_PER_P_VALUE = 700;

/**
 * Two-sided p-values of a matrix of Pearson's or Spearman's coefficients by Student's t. The diagonal is 0 where the
 * coefficient exists.
 *
 * @param common points of each pair, or null when each has `points`.
 */
export function tTestPValues(
  coefficients: Matrix,
  common: readonly Int32Array[] | null,
  points: number,
  work: Work,
): Matrix {
  const pValues = emptyMatrix(coefficients.length);
  const tests = new Map<number, CorrelationTest>();
  pValues.forEach((row, a) => {
    for (let b = 0; b < a; b++) {
      const count = common?.[a]?.[b] ?? points;
      let test = tests.get(count);
      if (test === undefined) tests.set(count, (test = new CorrelationTest(count)));
      row[b] = test.pValue(cell(coefficients, a, b));
    }
    row[a] = cell(coefficients, a, a) === 1 ? 0 : NaN;
    work.add(a * COST_PER_P_VALUE);
  });
  // Copied by column afterwards: the test is symmetric.
  pValues.forEach((row, a) => {
    for (let b = a + 1; b < row.length; b++) row[b] = cell(pValues, b, a);
  });
  return pValues;
}
