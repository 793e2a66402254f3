import { formatTable } from '../../src/commands/output/table.js';
import type { StrategyCorrelationOutput } from '../../src/tasks/strategy-correlation/handler.js';
import type { Stocks } from './stocks.js';
import { have, type Done, type Work } from './work.js';

/** Years in which all five were traded, with a year after them. */
const YEARS = [2005, 2006, 2007, 2008, 2009];

export interface Correlations {
  readonly all: Done<StrategyCorrelationOutput>;
  /** Of years and the years after them: 1 when the correlations stayed as they were, 0 when they were off by 1. */
  readonly stability: readonly { readonly year: number; readonly value: number }[];
}

/**
 * Correlates the monthly returns of the stocks: over all months, and in single years. How far a year's correlations held in
 * the next one is reported as their outcome.
 */
export async function correlate(work: Work, stocks: Stocks): Promise<Correlations> {
  const all = await correlationsOf(work, stocks, 0, stocks.months.length);
  const years = await Promise.all(
    YEARS.map((year) => {
      const december = stocks.months.indexOf(`Dec 1 ${year - 1}`);
      return correlationsOf(work, stocks, december, december + 13);
    }),
  );
  const stability: { year: number; value: number }[] = [];
  for (const [index, year] of YEARS.entries()) {
    const [own, next] = [years[index], years[index + 1]];
    if (own === undefined || next === undefined) break;
    const value = 1 - meanDifference(pairsOf(own.result), pairsOf(next.result));
    await work.client.reportOutcome(own.taskId, { value });
    stability.push({ year, value });
  }
  return { all, stability };
}

function correlationsOf(
  work: Work,
  { symbols, prices }: Stocks,
  from: number,
  to: number,
): Promise<Done<StrategyCorrelationOutput>> {
  const input = {
    strategyIds: symbols,
    strategies: prices.map((own) => own.slice(from, to)),
    transform: 'returns',
    subset: 2,
  };
  return have(work, { kind: 'strategy-correlation', input });
}

/** The coefficients of each pair once. */
function pairsOf({ strategyIds, matrix }: StrategyCorrelationOutput): number[] {
  return strategyIds.flatMap((_, row) => [...(matrix.pearson?.[row]?.slice(row + 1) ?? [])]);
}

function meanDifference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}

export function reportCorrelations({ all, stability }: Correlations, { months }: Stocks): string {
  const { strategyIds, matrix, subset } = all.result;
  const rows = strategyIds.map((id, row) => [
    id,
    ...strategyIds.map((_, column) =>
      column > row ? '' : (matrix.pearson?.[row]?.[column]?.toFixed(2) ?? '-'),
    ),
  ]);
  const titles = ['', ...strategyIds].map((title) => ({ title, align: 'right' as const }));
  const held = stability.map(({ year, value }) => `${year} ${value.toFixed(2)}`);
  return [
    `Stocks: correlations of monthly returns over ${months.length} months in ${all.tookMs.toFixed(0)} ms`,
    ...formatTable(titles, rows, null)
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    `  least alike: ${subset?.strategyIds.join(' and ') ?? '-'}`,
    `  kept in the year after, of 1: ${held.join(', ')}`,
  ].join('\n');
}
