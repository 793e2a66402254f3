import { isRecord } from './checks.js';
import type { TaskKind } from './kind.js';
import { taskKinds } from './registry.js';

/** A parameter's value. */
export type Setting = number | string | boolean | null;
/** Values by name of the parameter. */
export type Settings = Readonly<Record<string, Setting>>;

/** Which fields of a kind's input may have another default at an agent. */
export interface Tuning {
  readonly parameters: readonly string[];
  /** Throws TaskInputError when the parameter cannot have this value. */
  check(parameter: string, value: Setting): void;
  /** A value that a whole input can have, as near to the given one as it takes. `input`: as it came over the wire. */
  fit(parameter: string, value: Setting, input: Readonly<Record<string, unknown>>): Setting;
}

/** An input with an agent's own defaults where it leaves fields out. */
export function tuned(kindName: string, input: unknown, settings: Settings | null): unknown {
  const tuning = settings === null ? undefined : taskKinds.get(kindName)?.tuning;
  if (tuning === undefined || settings === null || !isRecord(input)) return input;
  const own: Record<string, unknown> = { ...input };
  for (const parameter of tuning.parameters) {
    const value = settings[parameter];
    if (value === undefined || own[parameter] !== undefined) continue;
    own[parameter] = tuning.fit(parameter, value, input);
  }
  return own;
}

/**
 * An input in wire form, without the defaults of fields for which agents may have their own.
 * @throws TaskInputError when it does not fit its kind.
 */
export function wireInput(kind: TaskKind, given: unknown): unknown {
  const input = kind.parseInput(given);
  if (kind.tuning === undefined || !isRecord(input) || !isRecord(given)) return input;
  const open = kind.tuning.parameters.filter((name) => given[name] === undefined);
  return Object.fromEntries(Object.entries(input).filter(([name]) => !open.includes(name)));
}
