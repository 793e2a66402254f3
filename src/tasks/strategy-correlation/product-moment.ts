import { at } from '../at.js';
import { COST_PER_PRODUCT, dotProducts, panelFor } from './gram.js';
import { clampToUnit, emptyMatrix, type Matrix, setPair } from './matrix.js';
import { pearsonOf, safelyScaled, standardize } from './moments.js';
import { averageRanks, rankingOf, ranksAmongCommon } from './ranks.js';
import { gatherCommon, presenceOf, type Table } from './table.js';
import type { Work } from './work.js';

/** Nanoseconds for each point of a pair in which a value is missing. */
const PEARSON_COST_PER_POINT = 5;
const SPEARMAN_COST_PER_POINT = 9;
/** To sort a row, for each of its points. */
const RANKING_COST_PER_POINT = 150;

/**
 * Pearson's coefficient of every pair over their common points. Pairs without a missing value take one dot product of
 * standardised rows, in blocks; the others are computed one by one.
 */
export function pearson(table: Table, work: Work): Matrix {
  const rows = table.rows.map(safelyScaled);
  const matrix = emptyMatrix(rows.length);
  correlateComplete({ ...table, rows }, matrix, work);
  const x = new Float64Array(table.points);
  const y = new Float64Array(table.points);
  correlateIncomplete(table, matrix, work, PEARSON_COST_PER_POINT, (a, b, presentA, presentB) => {
    const rowA = rows[a];
    const rowB = rows[b];
    if (rowA === undefined || rowB === undefined) return NaN;
    return pearsonOf(x, y, gatherCommon(rowA, rowB, presentA, presentB, x, y));
  });
  return matrix;
}

/** Spearman's coefficient of every pair: Pearson's of the average ranks among their common points. */
export function spearman(table: Table, work: Work): Matrix {
  const matrix = emptyMatrix(table.rows.length);
  const rankings = table.rows.map((row) => {
    work.add(row.length * RANKING_COST_PER_POINT);
    return rankingOf(row);
  });
  correlateComplete({ ...table, rows: rankings.map(averageRanks) }, matrix, work);
  const x = new Float64Array(table.points);
  const y = new Float64Array(table.points);
  correlateIncomplete(table, matrix, work, SPEARMAN_COST_PER_POINT, (a, b, presentA, presentB) => {
    const rankingA = rankings[a];
    const rankingB = rankings[b];
    if (rankingA === undefined || rankingB === undefined) return NaN;
    ranksAmongCommon(rankingA, presentB, x);
    ranksAmongCommon(rankingB, presentA, y);
    return pearsonOf(x, y, gatherCommon(x, y, presentA, presentB, x, y));
  });
  return matrix;
}

/** Fills in the pairs of complete rows, and the diagonal of each. */
function correlateComplete({ rows, points, complete }: Table, matrix: Matrix, work: Work): void {
  const chosen = rows.flatMap((row, index) => (complete[index] === true ? [{ row, index }] : []));
  const panel = panelFor(chosen.length, points);
  const varies = chosen.map(({ row }, place) => standardize(row, points, panel.data, place * points));
  const sums = dotProducts(panel, 0, work);
  chosen.forEach(({ index }, i) => {
    if (varies[i] !== true) return;
    setPair(matrix, index, index, 1);
    for (let j = i + 1; j < chosen.length; j++) {
      const other = chosen[j]?.index;
      if (other === undefined || varies[j] !== true) continue;
      setPair(matrix, index, other, clampToUnit(at(sums, i * panel.paddedRows + j)));
    }
  });
}

type OfPair = (a: number, b: number, presentA: Int32Array, presentB: Int32Array) => number;

/** Fills in every pair of which a row is incomplete, and the diagonal of each such row. */
function correlateIncomplete(
  { rows, points, complete }: Table,
  matrix: Matrix,
  work: Work,
  costPerPoint: number,
  ofPair: OfPair,
): void {
  if (!complete.includes(false)) return;
  const presence = rows.map(presenceOf);
  presence.forEach((presentA, a) => {
    for (let b = a; b < presence.length; b++) {
      const presentB = presence[b];
      if (presentB === undefined || (complete[a] === true && complete[b] === true)) continue;
      const coefficient = ofPair(a, b, presentA, presentB);
      // A row agrees with itself to the last bit.
      setPair(matrix, a, b, a === b && !Number.isNaN(coefficient) ? 1 : coefficient);
      work.add(points * costPerPoint);
    }
  });
}

/** What `pearson` or `spearman` of such a table costs. */
export function productMomentCost(
  method: 'pearson' | 'spearman',
  rows: number,
  points: number,
  complete: number,
): number {
  const pairs = (rows * rows) / 2;
  const completePairs = (complete * complete) / 2;
  const perPoint = method === 'pearson' ? PEARSON_COST_PER_POINT : SPEARMAN_COST_PER_POINT;
  const ranking = method === 'spearman' ? rows * points * RANKING_COST_PER_POINT : 0;
  return points * (completePairs * COST_PER_PRODUCT + (pairs - completePairs) * perPoint) + ranking;
}
