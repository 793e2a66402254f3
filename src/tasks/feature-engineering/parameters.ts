import { describe, finiteNumber, integer, isRecord, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';

/** A name for columns: safe as a key in JSON, in a data frame and in code. */
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/**
 * Reads the parameters of one feature. A parameter that is missing or null has its default. Meanwhile it spells the
 * name of the feature's columns: the feature, its numbers, and each choice that is not the default.
 */
export class ParameterReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #known = ['name', 'as'];
  readonly #label: string[];

  constructor(fields: Readonly<Record<string, unknown>>, path: string, name: string) {
    this.#fields = fields;
    this.#path = path;
    this.#label = [name];
  }

  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const value = integer(this.#take(name) ?? fallback, this.#at(name), minimum, maximum);
    this.#label.push(String(value));
    return value;
  }

  number(name: string, fallback: number, minimum: number, maximum: number): number {
    const value = finiteNumber(this.#take(name) ?? fallback, this.#at(name), minimum, maximum);
    this.#label.push(String(value));
    return value;
  }

  /** A number that may be left out: null. */
  optional(name: string, minimum: number, maximum: number): number | null {
    const given = this.#take(name) ?? null;
    if (given === null) return null;
    const value = finiteNumber(given, this.#at(name), minimum, maximum);
    this.#label.push(String(value));
    return value;
  }

  choice<const T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const value = this.plainChoice(name, fallback, choices);
    if (value !== fallback) this.#label.push(value);
    return value;
  }

  /** A choice that is not part of the label. */
  plainChoice<const T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    return oneOf(this.#take(name) ?? fallback, this.#at(name), choices);
  }

  /** A list of different choices; it is not part of the label. */
  choices<const T extends string>(name: string, fallback: readonly T[], choices: readonly T[]): readonly T[] {
    const given = this.#take(name) ?? fallback;
    if (!Array.isArray(given)) {
      throw new TaskInputError(this.#at(name), `must be a list of names; it is ${describe(given)}`);
    }
    if (given.length === 0) throw new TaskInputError(this.#at(name), 'is empty; give at least one name');
    const seen = new Set<T>();
    for (const [index, element] of given.slice(0, choices.length + 1).entries()) {
      const path = `${this.#at(name)}[${index}]`;
      const choice = oneOf(element, path, choices);
      if (seen.has(choice)) throw new TaskInputError(path, `is '${choice}' a second time; remove it`);
      seen.add(choice);
    }
    return [...seen];
  }

  /** The column name that the user gave, or null. */
  as(): string | null {
    const given = this.#fields['as'] ?? null;
    if (given === null) return null;
    if (typeof given !== 'string' || !COLUMN_NAME.test(given)) {
      throw new TaskInputError(
        this.#at('as'),
        `must be a name for columns: a letter, then letters, digits, _ . - (at most 64 in all); it is ${describe(given)}`,
      );
    }
    return given;
  }

  /** What the feature's columns are called when the user names no other. */
  get label(): string {
    return this.#label.join('_').replaceAll('-', '_');
  }

  /** A fault of a parameter that a check here cannot see. */
  fault(name: string, problem: string): TaskInputError {
    return new TaskInputError(this.#at(name), problem);
  }

  /** To be called when all parameters are read: refuses a field that is none of them. */
  end(): void {
    for (const key of Object.keys(this.#fields)) {
      if (this.#known.includes(key)) continue;
      throw new TaskInputError(
        this.#at(key.slice(0, 64)),
        `is not a parameter of this feature; known are ${this.#known.join(', ')}`,
      );
    }
  }

  #take(name: string): unknown {
    this.#known.push(name);
    return this.#fields[name];
  }

  #at(name: string): string {
    return `${this.#path}.${name}`;
  }
}

/** A feature's fields and its name, where _ may stand for -, as one of the known names. */
export function namedFields<const T extends string>(
  value: unknown,
  path: string,
  names: readonly T[],
): { readonly fields: Readonly<Record<string, unknown>>; readonly name: T } {
  if (!isRecord(value)) {
    throw new TaskInputError(path, `must be an object with a name and parameters; it is ${describe(value)}`);
  }
  const given = value['name'];
  const spelled = typeof given === 'string' ? given.replaceAll('_', '-') : given;
  return { fields: value, name: oneOf(spelled, `${path}.name`, names) };
}
