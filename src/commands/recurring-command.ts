import type { Command } from 'commander';
import { encodeInput } from '../client/task.js';
import { CronProblem, newCronTimes } from '../coordinator/core/schedules/cron-times.js';
import type { RecurringSummary } from '../protocol/messages.js';
import { TaskInputError } from '../tasks/kind.js';
import { withClient } from './connection.js';
import { UsageError } from './exit.js';
import { readJsonInput } from './input/json-input.js';
import { sourceName } from './input/source.js';
import { scheduleName, taskKind } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { readArgument } from './options/read-argument.js';
import { recurringOptions } from './options/recurring-options.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { formatTable, tableWidth, type Column } from './output/table.js';
import { addExample } from './program.js';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', shrink: true },
  { title: 'KIND', shrink: true },
  { title: 'CRON' },
  { title: 'TIME ZONE' },
  { title: 'NEXT' },
  { title: 'LAST', leaveOut: 2 },
  { title: 'LAST TASK', leaveOut: 1 },
];

/** Adds `recurring add | list | remove`. */
export function registerRecurringCommand(program: Command): void {
  const group = program.command('recurring').description('tasks that are submitted again and again');
  registerAdd(group);
  registerList(group);
  registerRemove(group);
}

function registerAdd(group: Command): void {
  const command = group
    .command('add')
    .description('have a task submitted at the times of a cron expression')
    .argument('NAME', 'what to call it')
    .argument('KIND', 'kind of task');
  addOptions(command, recurringOptions);
  addExample(
    command,
    `echo '{"function": "echo", "input": "hello"}' | swarm-coordinator recurring add hello compute --cron "*/5 * * * *" --time-zone Europe/Berlin --input -`,
  );
  command.action(async (givenName: string, givenKind: string) => {
    const options = await readOptions(command, recurringOptions);
    const name = readArgument('NAME', givenName, scheduleName);
    const kind = readArgument('KIND', givenKind, taskKind);
    const { cron, timeZone, priority, attempts, timeout, affinity } = options;
    checkTimes(cron, timeZone);
    const task = {
      kind,
      priority,
      attempts,
      ...(timeout === null ? {} : { timeoutMs: timeout }),
      ...(affinity === null ? {} : { affinity }),
      payload: encoded(kind, await readJsonInput(options.input), options.input),
    };
    await withClient(options, (client) => client.addRecurring({ name, cron, timeZone, task }));
    await said(name, 'added', options.json);
  });
}

function registerList(group: Command): void {
  const command = group.command('list').description('the recurring tasks, and when they come next');
  addOptions(command, queryOptions);
  addExample(command, 'swarm-coordinator recurring list');
  command.action(async () => {
    const options = await readOptions(command, queryOptions);
    const recurring = await withClient(options, (client) => client.recurring());
    const output = new Output();
    if (options.json) await writeJson(output, recurring);
    else if (recurring.length === 0) await output.write('no recurring tasks\n');
    else await output.write(formatTable(COLUMNS, recurring.map(row), tableWidth()));
  });
}

function registerRemove(group: Command): void {
  const command = group
    .command('remove')
    .description('end a recurring task; what it has submitted goes on')
    .argument('NAME', 'what it is called');
  addOptions(command, queryOptions);
  addExample(command, 'swarm-coordinator recurring remove hello');
  command.action(async (givenName: string) => {
    const options = await readOptions(command, queryOptions);
    const name = readArgument('NAME', givenName, scheduleName);
    await withClient(options, (client) => client.removeRecurring(name));
    await said(name, 'removed', options.json);
  });
}

/** Before anything is connected. */
function checkTimes(cron: string, timeZone: string): void {
  try {
    newCronTimes(cron, timeZone, Date.now());
  } catch (error) {
    if (!(error instanceof CronProblem)) throw error;
    const flag = error.field === 'cron' ? '--cron' : '--time-zone';
    throw new UsageError(`${flag}: ${error.message}`, { cause: error });
  }
}

function encoded(kind: string, input: unknown, file: string): Uint8Array {
  try {
    return encodeInput({ kind, input });
  } catch (error) {
    if (!(error instanceof TaskInputError)) throw error;
    throw new UsageError(`--input: ${sourceName(file)}: ${error.message}`, { cause: error });
  }
}

async function said(name: string, state: 'added' | 'removed', json: boolean): Promise<void> {
  const output = new Output();
  if (json) await writeJson(output, { name, state });
  else await output.write(`${name} ${state}\n`);
}

const row = (one: RecurringSummary): string[] => [
  one.name,
  one.kind,
  one.cron,
  one.timeZone,
  instant(one.nextAt),
  instant(one.lastAt),
  one.lastTaskId ?? '-',
];

const instant = (at: number | null): string => (at === null ? '-' : new Date(at).toISOString());
