import { describe } from '../checks.js';
import { TaskInputError } from '../kind.js';
import type { Missing, Transform } from './options.js';

/** Points in all strategies of one input together. */
export const MAX_POINTS = 5_000_000;
/** Absolute value of a point. */
export const MAX_MAGNITUDE = 1e150;
/** Least price of which returns are taken: the ratio of two prices is then a number. */
const MIN_PRICE = 1e-150;
/** Values without which no coefficient exists. */
const MIN_VALUES = 3;

/**
 * The series of all strategies, equally long, as Float64Array with NaN where a point is missing; those that are so
 * already are not copied. A missing point is null or NaN.
 *
 * @param count of strategies that the ids announce
 */
export function parseStrategies(
  value: unknown,
  count: number,
  transform: Transform,
  missing: Missing,
): readonly Float64Array[] {
  if (!Array.isArray(value)) {
    throw new TaskInputError(
      'strategies',
      `must be a list of series, each a list of numbers; it is ${describe(value)}`,
    );
  }
  const list: readonly unknown[] = value;
  if (list.length !== count) {
    throw new TaskInputError(
      'strategies',
      `has ${list.length} series for ${count} strategyIds; give one for each`,
    );
  }
  const lists = Array.from(list, (series, index) => checkLength(series, index));
  const points = lists[0]?.length ?? 0;
  checkEqualLengths(lists, points, transform);
  const allowMissing = missing !== 'fail';
  return lists.map((series, index) => {
    const numbers = toNumbers(series, `strategies[${index}]`, allowMissing);
    if (transform !== 'none') checkPrices(numbers, `strategies[${index}]`, transform);
    return numbers;
  });
}

/** @throws TaskInputError when a strategy has at least two known values and all are equal. */
export function checkVaries(strategies: readonly Float64Array[]): void {
  strategies.forEach((series, index) => {
    let first = NaN;
    let known = 0;
    for (const value of series) {
      if (Number.isNaN(value)) continue;
      if (known === 0) first = value;
      else if (value !== first) return;
      known += 1;
    }
    if (known < 2) return;
    throw new TaskInputError(
      `strategies[${index}]`,
      `has zero variance (every value is ${first}), so it has no correlation; remove it, or set constant to 'keep'`,
    );
  });
}

type NumberList = readonly unknown[] | Float64Array | Float32Array;

function checkLength(value: unknown, index: number): NumberList {
  if (Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array) return value;
  throw new TaskInputError(`strategies[${index}]`, `must be a list of numbers; it is ${describe(value)}`);
}

function checkEqualLengths(lists: readonly NumberList[], points: number, transform: Transform): void {
  const least = MIN_VALUES + (transform === 'none' ? 0 : 1);
  lists.forEach(({ length }, index) => {
    const path = `strategies[${index}]`;
    if (length === 0) throw new TaskInputError(path, `is empty; give at least ${least} numbers`);
    if (length !== points) {
      throw new TaskInputError(
        path,
        `has ${length} points, but strategies[0] has ${points}; all need the same points in time, null where one is missing`,
      );
    }
  });
  if (points < least) {
    const why = transform === 'none' ? '' : `, as there is one of the ${transform} fewer than prices`;
    throw new TaskInputError('strategies[0]', `has ${points} points; give at least ${least}${why}`);
  }
  if (points * lists.length > MAX_POINTS) {
    throw new TaskInputError(
      'strategies',
      `has ${lists.length} × ${points} points, more than the ${MAX_POINTS} that are accepted; split the task`,
    );
  }
}

function toNumbers(list: NumberList, path: string, allowMissing: boolean): Float64Array {
  const numbers = list instanceof Float64Array ? list : new Float64Array(list.length);
  for (let index = 0; index < list.length; index++) {
    const element = list[index];
    if (typeof element === 'number' && Math.abs(element) <= MAX_MAGNITUDE) {
      if (numbers !== list) numbers[index] = element;
    } else if (allowMissing && (element === null || Number.isNaN(element))) {
      if (numbers !== list) numbers[index] = NaN;
    } else {
      throw new TaskInputError(`${path}[${index}]`, elementFault(element, allowMissing));
    }
  }
  return numbers;
}

function elementFault(element: unknown, allowMissing: boolean): string {
  if (typeof element === 'number' && Number.isFinite(element)) {
    return `is ${element}; numbers from ${-MAX_MAGNITUDE} to ${MAX_MAGNITUDE} are accepted`;
  }
  if (allowMissing) return `must be a finite number, or null when it is missing; it is ${describe(element)}`;
  return `must be a finite number, as missing is 'fail'; it is ${describe(element)}`;
}

function checkPrices(prices: Float64Array, path: string, transform: Transform): void {
  const fault = prices.findIndex((price) => price < MIN_PRICE);
  if (fault < 0) return;
  throw new TaskInputError(
    `${path}[${fault}]`,
    `is ${describe(prices[fault])}; ${transform} need prices above 0; use transform 'none' when these are returns`,
  );
}
