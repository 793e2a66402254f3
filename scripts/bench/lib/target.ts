import { table } from './table.js';

/** A bound that a figure has to keep, and whether it does. */
export interface Target {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  /** On which side of the limit the value has to be. */
  readonly bound: 'below' | 'at most' | 'at least';
  readonly met: boolean;
}

export function target(name: string, value: number, bound: Target['bound'], limit: number): Target {
  const met = bound === 'below' ? value < limit : bound === 'at most' ? value <= limit : value >= limit;
  return { name, value, limit, bound, met };
}

export function targetTable(targets: readonly Target[]): string {
  return table([
    ['target', 'value', '', 'limit', ''],
    ...targets.map(({ name, value, bound, limit, met }) => [
      name,
      short(value),
      bound,
      short(limit),
      met ? 'met' : 'MISSED',
    ]),
  ]);
}

function short(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(2);
}
