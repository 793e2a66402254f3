/** The handlers file of the agents: a function whose result depends on its input, and that writes down that it ran. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TaskContext } from '../../src/tasks/kind.js';
import { parseWork, resultOf } from './work.js';

/** Folder for the lists of executions, one file for each process. */
export const EXECUTIONS_VARIABLE = 'CHAOS_EXECUTIONS';

export const functions = {
  work: async (input: unknown, { signal }: TaskContext) => {
    const { number, ms } = parseWork(input);
    await appendFile(join(process.env[EXECUTIONS_VARIABLE] ?? '.', `${process.pid}.txt`), `${number}\n`);
    await wait(ms, undefined, { signal });
    return resultOf(number);
  },
};
