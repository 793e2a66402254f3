import { at } from '../at.js';
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

/** How a strategy without any coefficient can stay in the input. */
const KEEP = "remove it, or set constant to 'keep'";

/**
 * @param varies whether the values of each must differ
 * @throws TaskInputError for a strategy that has no coefficient with any other, and for `listwise` when it leaves too few
 *   points in time.
 */
export function checkComparable(
  strategies: readonly Float64Array[],
  transform: Transform,
  missing: Missing,
  varies: boolean,
): void {
  strategies.forEach((series, index) => {
    const fault = faultOf(series, transform, varies);
    if (fault !== null) throw new TaskInputError(`strategies[${index}]`, `${fault}; ${KEEP}`);
  });
  if (missing !== 'listwise') return;
  let common = 0;
  for (let point = firstPoint(transform); point < (strategies[0]?.length ?? 0); point++) {
    if (strategies.every((series) => !Number.isNaN(valueAt(series, point, transform)))) common++;
    if (common === MIN_VALUES) return;
  }
  throw new TaskInputError(
    'missing',
    `is 'listwise', but only ${common} points in time have a value of every strategy, of at least ${MIN_VALUES}; use 'pairwise'`,
  );
}

/** Two changes of one share differ by no more than this part of it: the rounding of two prices each. */
const ROUNDING = 4 * Number.EPSILON;

/** Why a strategy has no coefficient; null when nothing in itself stands against one. */
function faultOf(series: Float64Array, transform: Transform, varies: boolean): string | null {
  const noise = transform === 'none' ? 0 : ROUNDING;
  let first = NaN;
  let known = 0;
  for (let point = firstPoint(transform); point < series.length; point++) {
    const value = valueAt(series, point, transform);
    if (Number.isNaN(value)) continue;
    if (known === 0) first = value;
    known++;
    if (!varies || Math.abs(value - first) > noise * first) return null;
  }
  if (known === 1) return null;
  if (series.every(Number.isNaN)) return 'has no value: every point of it is missing';
  if (known === 0) return 'has no return: of no two neighbouring prices both are known';
  const same = transform === 'none' ? `every value is ${first}` : 'every return is the same';
  return `has zero variance (${same}), so it has no correlation`;
}

function firstPoint(transform: Transform): number {
  return transform === 'none' ? 0 : 1;
}

/** What is correlated, but for its level: the value itself, or the ratio of a price to the one before. NaN where missing. */
function valueAt(series: Float64Array, point: number, transform: Transform): number {
  const value = at(series, point);
  return transform === 'none' ? value : value / at(series, point - 1);
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
