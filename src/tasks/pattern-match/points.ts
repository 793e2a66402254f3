import { describe, finiteNumber, isRecord, numberList } from '../checks.js';
import { TaskInputError } from '../kind.js';

/** Points in all lists of one input together, each dimension counted. */
export const MAX_POINTS = 10_000_000;
/** Absolute value of a point: the squares of differences of greater ones, summed over MAX_POINTS, could overflow. */
export const MAX_MAGNITUDE = 1e150;
/** The same where there are several dimensions: there a weight multiplies. */
const MAX_WEIGHED_MAGNITUDE = 1e145;
const MAX_WEIGHT = 1000;
const MAX_DIMENSIONS = 64;
const MAX_DIMENSION_NAME = 64;

/** A series: of one dimension, or of at least two of equal length. */
export type Points = Float64Array | readonly Float64Array[];

/** How many points in time. */
export function lengthOf(points: Points): number {
  return points instanceof Float64Array ? points.length : (points[0]?.length ?? 0);
}

/** The dimensions; at least one. */
export function dimensionsOf(points: Points): readonly Float64Array[] {
  return points instanceof Float64Array ? [points] : points;
}

/** The dimensions that the first series of an input has, and which all others must have. */
export interface Shape {
  /** null: they were given as a list. */
  readonly names: readonly string[] | null;
  readonly count: number;
  /** Path of the series that set it. */
  readonly path: string;
}

/**
 * Reads the series of one input: a list of numbers; dimensions by name, `{"close": [..], "volume": [..]}`; or a list of
 * dimensions. Counts their points before each is converted, and holds all to the shape of the first.
 */
export class PointReader {
  #left = MAX_POINTS;
  #shape: Shape | undefined;

  get dimensions(): number {
    return this.#shape?.count ?? 1;
  }

  points(value: unknown, path: string): Points {
    if (isRecord(value)) return this.#named(value, path);
    if (isDimensionList(value)) return this.#listed(value, path);
    this.#fit({ names: null, count: 1, path }, value);
    return this.numbers(value, path);
  }

  /** A plain list of numbers, whatever the shape of the series. */
  numbers(value: unknown, path: string, maxMagnitude = MAX_MAGNITUDE): Float64Array {
    if (isNumberList(value) && value.length > this.#left) throw tooManyPoints(path);
    const numbers = numberList(value, path, { maxLength: this.#left, maxMagnitude });
    this.#left -= numbers.length;
    return numbers;
  }

  /** Weights of the dimensions, by name or as a list, or undefined when none are given. */
  weights(value: unknown): Float64Array | undefined {
    if (value === undefined || value === null) return undefined;
    const shape = this.#shape;
    if (shape === undefined || shape.count === 1) {
      throw new TaskInputError('weights', 'needs series of at least 2 dimensions');
    }
    const weights = isRecord(value) ? namedWeights(value, shape) : listedWeights(value, shape);
    if (weights.every((weight) => weight === 0)) {
      throw new TaskInputError('weights', 'are all 0; at least one dimension must count');
    }
    return weights;
  }

  /** @throws TaskInputError when a dimension has no variance: normalised, nothing would be left of it. */
  checkVaries(points: Points, path: string): void {
    dimensionsOf(points).forEach((dimension, index) => {
      const first = dimension[0];
      if (dimension.some((value) => value !== first)) return;
      const name = this.#shape?.names?.[index];
      const suffix = points instanceof Float64Array ? '' : name === undefined ? `[${index}]` : `.${name}`;
      throw new TaskInputError(
        `${path}${suffix}`,
        `has zero variance (every point is ${String(first)}), so nothing is left of it when normalised; set normalize to false`,
      );
    });
  }

  #named(value: Readonly<Record<string, unknown>>, path: string): Points {
    const given = Object.keys(value);
    for (const name of given) checkName(name, path);
    const { names } = this.#fit({ names: given, count: given.length, path }, value);
    return this.#equallyLong(
      // In the order of the first series, whatever the order here.
      (names ?? given).map((name) => [`${path}.${name}`, value[name]]),
      path,
    );
  }

  #listed(value: readonly unknown[], path: string): Points {
    this.#fit({ names: null, count: value.length, path }, value);
    return this.#equallyLong(
      Array.from(value, (dimension, index) => [`${path}[${index}]`, dimension]),
      path,
    );
  }

  #equallyLong(entries: readonly (readonly [path: string, value: unknown])[], path: string): Points {
    const [first] = entries;
    if (first === undefined) throw new TaskInputError(path, 'has no dimension; give at least one');
    const magnitude = entries.length === 1 ? MAX_MAGNITUDE : MAX_WEIGHED_MAGNITUDE;
    const dimensions = entries.map(([path, value]) => this.numbers(value, path, magnitude));
    const points = dimensions[0]?.length ?? 0;
    dimensions.forEach(({ length }, index) => {
      if (length === points) return;
      throw new TaskInputError(
        entries[index]?.[0] ?? path,
        `has ${length} points, but ${first[0]} has ${points}; give dimensions of equal length`,
      );
    });
    // One dimension is the plain series, which has the faster search.
    return dimensions.length === 1 ? (dimensions[0] ?? dimensions) : dimensions;
  }

  /** Sets the shape, or holds a series to it. A list of numbers is the same as one dimension, whatever its name. */
  #fit(shape: Shape, value: unknown): Shape {
    if (shape.count > MAX_DIMENSIONS) {
      throw new TaskInputError(
        shape.path,
        `has ${shape.count} dimensions; at most ${MAX_DIMENSIONS} are accepted`,
      );
    }
    const wanted = this.#shape;
    if (wanted === undefined) {
      this.#shape = shape;
      return shape;
    }
    if (wanted.count === 1 && shape.count === 1 && (wanted.names === null || shape.names === null))
      return shape;
    if (shape.count !== wanted.count || (shape.names === null) !== (wanted.names === null)) {
      // What is no series at all is said to be that.
      if (shape.names === null && shape.count === 1 && !isNumberList(value)) return shape;
      throw new TaskInputError(
        shape.path,
        `has ${shapeWords(shape)}, but ${wanted.path} has ${shapeWords(wanted)}; give the same ones`,
      );
    }
    if (shape.names !== null && wanted.names?.some((name) => shape.names?.includes(name) !== true) === true) {
      throw new TaskInputError(
        shape.path,
        `has ${shapeWords(shape)}, but ${wanted.path} has ${shapeWords(wanted)}; give the same ones`,
      );
    }
    return wanted;
  }
}

export function tooManyPoints(path: string): TaskInputError {
  return new TaskInputError(
    path,
    `brings the input over ${MAX_POINTS} points, the most that is accepted; split the task`,
  );
}

function shapeWords({ names, count }: Shape): string {
  const size = `${count} ${count === 1 ? 'dimension' : 'dimensions'}`;
  return names === null ? size : `${size} (${names.slice(0, 8).join(', ')})`;
}

function checkName(name: string, path: string): void {
  if (name !== '' && name.length <= MAX_DIMENSION_NAME) return;
  throw new TaskInputError(
    path,
    `names a dimension with ${name.length} characters; give 1 to ${MAX_DIMENSION_NAME}`,
  );
}

function namedWeights(value: Readonly<Record<string, unknown>>, { names }: Shape): Float64Array {
  if (names === null) {
    throw new TaskInputError('weights', 'must be a list, as the dimensions have no names');
  }
  for (const name of Object.keys(value)) {
    if (names.includes(name)) continue;
    throw new TaskInputError(
      `weights.${name.slice(0, 64)}`,
      `is no dimension; there are ${names.join(', ')}`,
    );
  }
  return Float64Array.from(names, (name) => weight(value[name] ?? 1, `weights.${name}`));
}

function listedWeights(value: unknown, { count }: Shape): Float64Array {
  if (!isNumberList(value)) {
    throw new TaskInputError(
      'weights',
      `must be a list of ${count} numbers, or an object of them by dimension; it is ${describe(value)}`,
    );
  }
  if (value.length !== count) {
    throw new TaskInputError(
      'weights',
      `has ${value.length} elements for ${count} dimensions; give one for each`,
    );
  }
  return Float64Array.from({ length: count }, (_, index) => weight(value[index], `weights[${index}]`));
}

function weight(value: unknown, path: string): number {
  return finiteNumber(value, path, 0, MAX_WEIGHT);
}

function isDimensionList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && isNumberList(value[0]);
}

function isNumberList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array;
}
