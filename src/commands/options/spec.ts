import { commaSeparated, type Parser } from './parser.js';

/** What a source says of one option, before it means anything: texts, or on/off. */
export type Given =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'switch'; readonly on: boolean };

/** One option of a command: how it is written, and what its value means. Its name is its key in the table. */
export interface OptionSpec<T> {
  /** What stands for the value in the help, such as `HOST:PORT`; null for a switch. */
  readonly placeholder: string | null;
  /** `--no-NAME` exists. */
  readonly negatable: boolean;
  /** May be given several times; each time adds values. */
  readonly repeatable: boolean;
  /** A configuration file may hold a number, read as if it were written as text. */
  readonly numeric: boolean;
  /** Every text it takes, where they can be listed; null else. */
  readonly choices: readonly string[] | null;
  readonly help: string;
  /** The default as the help shows it; null when there is none. */
  readonly defaultText: string | null;
  /** The value when no source gives one; null when the option must be given. */
  readonly fallback: (() => T) | null;
  /** Throws ValueProblem. */
  readonly read: (given: Given) => T;
}

/** Options by the camel-case form of their flag: `logLevel` is `--log-level`, `SWARM_LOG_LEVEL`, `log-level` in a file. */
export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>;

/** The typed result of reading a table. */
export type Values<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends OptionSpec<infer T> ? T : never;
};

interface ValueOption<T> {
  readonly placeholder: string;
  readonly parse: Parser<T>;
  readonly help: string;
  /** Numbers in a configuration file are as good as text: counts, sizes in bytes. */
  readonly numeric?: boolean;
}

/** An option with a value and a default, given as text in the form a user would write. */
export function value<T>(option: ValueOption<T> & { readonly default: string }): OptionSpec<T> {
  return {
    ...base(option),
    defaultText: option.default,
    fallback: () => option.parse(option.default),
    read: (given) => option.parse(single(given)),
  };
}

/** An option whose default is worked out, such as the number of cores. */
export function computedValue<T>(
  option: ValueOption<T> & { readonly defaultText: string; readonly fallback: () => T },
): OptionSpec<T> {
  return {
    ...base(option),
    defaultText: option.defaultText,
    fallback: option.fallback,
    read: (given) => option.parse(single(given)),
  };
}

/** An option without a default; null when it is not given. */
export function optional<T>(option: ValueOption<T>): OptionSpec<T | null> {
  return {
    ...base(option),
    defaultText: null,
    fallback: () => null,
    read: (given) => option.parse(single(given)),
  };
}

/** An option that must be given. */
export function required<T>(option: ValueOption<T>): OptionSpec<T> {
  return { ...base(option), defaultText: null, fallback: null, read: (given) => option.parse(single(given)) };
}

/** An option with a default that `--no-NAME` turns off; null when it is off. */
export function valueOrOff<T>(option: ValueOption<T> & { readonly default: string }): OptionSpec<T | null> {
  return {
    ...base(option),
    negatable: true,
    defaultText: option.default,
    fallback: () => option.parse(option.default),
    read: (given) => (given.kind === 'switch' && !given.on ? null : option.parse(single(given))),
  };
}

/** An option that may be given several times, or once with commas; empty when it is not given. */
export function list<T>(option: ValueOption<T>): OptionSpec<readonly T[]> {
  return {
    ...base(option),
    repeatable: true,
    defaultText: null,
    fallback: () => [],
    read: (given) => (given.kind === 'switch' ? [] : given.texts.flatMap(commaSeparated(option.parse))),
  };
}

/** A switch that is off unless it is given. */
export function flag(option: { readonly help: string }): OptionSpec<boolean> {
  return { ...switchBase(option.help), fallback: () => false, read: isOn };
}

/** A switch with `--no-NAME`; null when neither is given, and the command decides. */
export function decidedFlag(option: {
  readonly help: string;
  readonly defaultText: string;
}): OptionSpec<boolean | null> {
  return {
    ...switchBase(option.help),
    negatable: true,
    defaultText: option.defaultText,
    fallback: () => null,
    read: isOn,
  };
}

/** `logLevel` → `log-level`. */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `logLevel` → `SWARM_LOG_LEVEL`. */
export function variableName(key: string): string {
  return `SWARM_${kebabCase(key).replaceAll('-', '_').toUpperCase()}`;
}

function base({ placeholder, parse, help, numeric = false }: ValueOption<unknown>) {
  const choices = parse.choices ?? null;
  return { placeholder, help, numeric, choices, negatable: false, repeatable: false };
}

function switchBase(help: string) {
  return {
    placeholder: null,
    help,
    numeric: false,
    choices: null,
    negatable: false,
    repeatable: false,
    defaultText: null,
  };
}

function single(given: Given): string {
  return given.kind === 'texts' ? (given.texts.at(-1) ?? '') : '';
}

function isOn(given: Given): boolean {
  return given.kind === 'switch' && given.on;
}
