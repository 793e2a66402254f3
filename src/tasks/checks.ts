import { TaskInputError } from './kind.js';

/** Checks of task inputs. Each takes the value and its path, returns it in wire form or throws TaskInputError. */

/** The value as an object of fields; a field that is not in `known` is a fault, so that a typo is not a silent default. */
export function objectWith(
  value: unknown,
  path: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) {
    throw new TaskInputError(path, `must be an object with ${known.join(', ')}; it is ${describe(value)}`);
  }
  for (const key in value) {
    if (known.includes(key) || !Object.hasOwn(value, key)) continue;
    throw new TaskInputError(
      join(path, key.slice(0, 64)),
      `is not a known field; known are ${known.join(', ')}`,
    );
  }
  return value;
}

export interface NumberListLimits {
  /** Fewest elements; default 1. */
  readonly minLength?: number;
  readonly maxLength: number;
  /** Largest absolute value of an element. */
  readonly maxMagnitude: number;
}

/** A list of finite numbers (JSON array, Float64Array or Float32Array) as Float64Array; one that is so already is not copied. */
export function numberList(value: unknown, path: string, limits: NumberListLimits): Float64Array {
  if (!(Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array)) {
    throw new TaskInputError(path, `must be a list of numbers; it is ${describe(value)}`);
  }
  const list: ArrayLike<unknown> = value;
  const minLength = limits.minLength ?? 1;
  if (list.length < minLength) {
    const fault = list.length === 0 ? 'is empty' : `has ${list.length} elements`;
    throw new TaskInputError(
      path,
      `${fault}; give at least ${minLength} number${minLength === 1 ? '' : 's'}`,
    );
  }
  if (list.length > limits.maxLength) {
    throw new TaskInputError(path, `has ${list.length} elements; at most ${limits.maxLength} are accepted`);
  }
  const numbers = value instanceof Float64Array ? value : new Float64Array(list.length);
  for (let index = 0; index < list.length; index++) {
    const element = list[index];
    if (typeof element !== 'number' || !(Math.abs(element) <= limits.maxMagnitude)) {
      throw new TaskInputError(`${path}[${index}]`, elementFault(element, limits.maxMagnitude));
    }
    if (numbers !== value) numbers[index] = element;
  }
  return numbers;
}

function elementFault(element: unknown, maxMagnitude: number): string {
  if (typeof element === 'number' && Number.isFinite(element)) {
    return `is ${element}; numbers from ${-maxMagnitude} to ${maxMagnitude} are accepted`;
  }
  return `must be a finite number; it is ${describe(element)}`;
}

export function integer(value: unknown, path: string, minimum: number, maximum: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    throw new TaskInputError(
      path,
      `must be an integer from ${minimum} to ${maximum}; it is ${describe(value)}`,
    );
  }
  return value;
}

export function finiteNumber(value: unknown, path: string, minimum: number, maximum: number): number {
  if (typeof value !== 'number' || !(value >= minimum && value <= maximum)) {
    throw new TaskInputError(
      path,
      `must be a number from ${minimum} to ${maximum}; it is ${describe(value)}`,
    );
  }
  return value;
}

export function flag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean')
    throw new TaskInputError(path, `must be true or false; it is ${describe(value)}`);
  return value;
}

export function oneOf<const T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    const list = choices.map((candidate) => `'${candidate}'`).join(', ');
    throw new TaskInputError(path, `must be one of ${list}; it is ${describe(value)}`);
  }
  return choice;
}

/** A value in a few words, safe to print whatever it is. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'string':
      return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value).slice(0, 40);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : ArrayBuffer.isView(value) ? 'binary data' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Whether `await` would wait for it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
