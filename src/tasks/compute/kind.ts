import { describe, finiteNumber, isRecord, objectWith } from '../checks.js';
import { TaskInputError, type TaskKind } from '../kind.js';

/** Functions that every agent has. They echo or wait, and run on the agent's main thread. */
export const BUILT_IN_FUNCTIONS = ['echo', 'sleep'] as const;
export type BuiltInFunction = (typeof BUILT_IN_FUNCTIONS)[number];

/** Name of a compute function: a letter or `_`, then letters, digits, `_ . : -`; at most 128 characters. */
export const FUNCTION_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/;

/** Longest `sleep`: what a timer can hold, about 24.8 days. */
export const MAX_SLEEP_MS = 2 ** 31 - 1;

/** Input of a `compute` task in wire form. */
export type ComputeInput =
  | { readonly function: 'sleep'; readonly input: { readonly ms: number } }
  | { readonly function: string; readonly input: unknown };

/**
 * `compute`: calls a named function. `{"function": name, "input": anything}`; a missing `input` is null.
 * The name is not checked against a list here: only the agents know which functions they were given.
 */
export const computeKind: TaskKind = {
  name: 'compute',
  agentTypes: ['pattern', 'strategy', 'feature', 'neural', 'reasoning'],
  parseInput: parseComputeInput,
  placement: (input) =>
    isRecord(input) && BUILT_IN_FUNCTIONS.some((name) => name === input['function']) ? 'inline' : 'worker',
};

export function parseComputeInput(value: unknown): ComputeInput {
  const { function: name, input = null } = objectWith(value, '', ['function', 'input']);
  if (typeof name !== 'string' || !FUNCTION_NAME.test(name)) {
    throw new TaskInputError(
      'function',
      `must be the name of a function, such as 'echo' (letters, digits, _ . : -; at most 128); it is ${describe(name)}`,
    );
  }
  if (name === 'sleep') return { function: name, input: { ms: sleepMs(input) } };
  return { function: name, input };
}

/** `sleep` takes milliseconds, bare or as `{"ms": n}`. */
export function sleepMs(input: unknown): number {
  if (typeof input === 'number') return finiteNumber(input, 'input', 0, MAX_SLEEP_MS);
  return finiteNumber(objectWith(input, 'input', ['ms'])['ms'], 'input.ms', 0, MAX_SLEEP_MS);
}
