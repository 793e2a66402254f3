import { COST_PER_PRODUCT } from './gram.js';
import { kendall, kendallCost } from './kendall.js';
import type { Matrix } from './matrix.js';
import type { LcsOptions, Method } from './options.js';
import { COST_PER_P_VALUE, tTestPValues } from './p-values.js';
import { pearson, productMomentCost, spearman } from './product-moment.js';
import { lcsSimilarity, similarityCost } from './similarity.js';
import type { Table } from './table.js';
import type { Work } from './work.js';

export interface Coefficients {
  readonly matrix: Matrix;
  /** Null when not asked for, or when the method has none. */
  readonly pValues: Matrix | null;
}

export interface CoefficientOptions {
  readonly lcs: LcsOptions;
  readonly pValues: boolean;
}

/**
 * The coefficients of all pairs by one method. A new method gets its case here and in `coefficientsCost`.
 *
 * @param common points of each pair, or null when each has all.
 */
export function coefficients(
  method: Method,
  table: Table,
  common: readonly Int32Array[] | null,
  { lcs, pValues }: CoefficientOptions,
  work: Work,
): Coefficients {
  switch (method) {
    case 'pearson':
    case 'spearman': {
      const matrix = method === 'pearson' ? pearson(table, work) : spearman(table, work);
      return { matrix, pValues: pValues ? tTestPValues(matrix, common, table.points, work) : null };
    }
    case 'kendall':
      return kendall(table, pValues, work);
    case 'lcs':
      return lcsSimilarity(table, lcs, pValues, work);
  }
}

/** What that costs, in nanoseconds; at least one product a cell, so that no stage is free. */
export function coefficientsCost(
  method: Method,
  rows: number,
  points: number,
  complete: number,
  { lcs, pValues }: CoefficientOptions,
): number {
  const least = rows * rows * COST_PER_PRODUCT;
  switch (method) {
    case 'pearson':
    case 'spearman':
      return (
        least +
        productMomentCost(method, rows, points, complete) +
        (pValues ? ((rows * rows) / 2) * COST_PER_P_VALUE : 0)
      );
    case 'kendall':
      return least + kendallCost((rows * (rows + 1)) / 2, points);
    case 'lcs':
      return least + similarityCost(rows, points, pValues ? lcs.permutations : 0);
  }
}
