import { setTimeout as wait } from 'node:timers/promises';
import { isThenable } from '../checks.js';
import { TaskFailure } from '../failure.js';
import type { ComputeFunction } from '../handlers-file.js';
import type { TaskContext, TaskHandler } from '../kind.js';
import { BUILT_IN_FUNCTIONS, type BuiltInFunction, parseComputeInput, sleepMs } from './kind.js';

const builtIn: Readonly<Record<BuiltInFunction, ComputeFunction>> = {
  echo: (input) => input,
  sleep: async (input, context) => {
    const ms = sleepMs(input);
    try {
      await wait(ms, undefined, { signal: context.signal });
    } catch (error) {
      // The timer rejects with an AbortError of its own; the task's own reason says more.
      context.throwIfAborted();
      throw error;
    }
    return { sleptMs: ms };
  },
};

/**
 * The handler of `compute`: the built-in functions and those of a handlers file, by name.
 * An unknown name fails with `UnknownFunction` and is not retried: this swarm's agents are given their functions at start.
 * A function that returns nothing has the result null. What a function returns at once the handler returns at once.
 */
export function computeWith(functions: ReadonlyMap<string, ComputeFunction> = new Map()): TaskHandler {
  const known = new Map([...functions, ...BUILT_IN_FUNCTIONS.map((name) => [name, builtIn[name]] as const)]);
  return (input: unknown, context: TaskContext): unknown => {
    const call = parseComputeInput(input);
    const run = known.get(call.function);
    if (run === undefined) {
      const names = [...BUILT_IN_FUNCTIONS, ...functions.keys()].join(', ');
      throw new TaskFailure(
        'UnknownFunction',
        `compute: this agent has no function '${call.function}'; it has ${names}. ` +
          'Start the agent with --handlers FILE.mjs that exports it under `functions`.',
        false,
      );
    }
    const result = run(call.input, context);
    return isThenable(result) ? promised(result) : (result ?? null);
  };
}

async function promised(result: PromiseLike<unknown>): Promise<unknown> {
  return (await result) ?? null;
}
