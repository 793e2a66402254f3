import type { Command } from 'commander';
import type { Client } from '../client/client.js';
import type { TaskSummary } from '../protocol/messages.js';
import { withTime } from './connection.js';
import { addOptions, readOptions } from './options/options.js';
import { tasksOptions } from './options/tasks-options.js';
import type { Values } from './options/spec.js';
import { age, milliseconds } from './output/durations.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { formatTable, tableWidth, type Column } from './output/table.js';
import { addExample } from './program.js';

type Options = Values<typeof tasksOptions>;

export const TASK_COLUMNS: readonly Column[] = [
  { title: 'TASK' },
  { title: 'KIND', shrink: true },
  { title: 'STATE' },
  { title: 'PRIO', align: 'right', leaveOut: 3 },
  { title: 'TRIES', align: 'right' },
  { title: 'AGENT', shrink: true, leaveOut: 4 },
  { title: 'AGE', align: 'right' },
  { title: 'QUEUED', align: 'right', leaveOut: 1 },
  { title: 'RAN', align: 'right', leaveOut: 2 },
  { title: 'WAITS FOR', leaveOut: 5 },
  { title: 'ERROR', shrink: true },
];

/** One message of the coordinator holds no more. */
const PAGE = 1000;

/** Adds `tasks`: the tasks that the coordinator keeps, the newest submission first. */
export function registerTasksCommand(program: Command): Command {
  const command = program
    .command('tasks')
    .description('the tasks of a running coordinator, finished ones as long as it keeps them');
  addOptions(command, tasksOptions);
  addExample(command, 'swarm-coordinator tasks --state dead');
  command.action(async () => {
    const options = await readOptions(command, tasksOptions);
    const [{ tasks, more }, now] = await withTime(options, (client) => readPages(client, options));
    const output = new Output();
    if (options.json) return writeJson(output, tasks);
    const rows = tasks.map((task) => taskRow(task, now));
    await output.write(rows.length === 0 ? 'no such tasks\n' : formatTable(TASK_COLUMNS, rows, tableWidth()));
    const last = tasks.at(-1);
    if (more && last !== undefined) process.stderr.write(`there are more: --before ${last.taskId}\n`);
  });
  return command;
}

async function readPages(client: Client, { state, kind, limit, before }: Options) {
  const tasks: TaskSummary[] = [];
  for (let last = before; ;) {
    const page = await client.tasks({
      limit: Math.min(PAGE, limit - tasks.length),
      ...(state === null ? {} : { state }),
      ...(kind === null ? {} : { kind }),
      ...(last === null ? {} : { before: last }),
    });
    tasks.push(...page.tasks);
    const oldest = page.tasks.at(-1);
    if (!page.more || oldest === undefined || tasks.length >= limit) return { tasks, more: page.more };
    last = oldest.taskId;
  }
}

export function taskRow(task: TaskSummary, now: number): string[] {
  return [
    task.taskId,
    task.kind,
    task.state === 'running' && task.progress !== null
      ? `running ${(task.progress * 100).toFixed(0)}%`
      : task.state,
    String(task.priority),
    task.maxAttempts === undefined
      ? String(task.attempts)
      : `${String(task.attempts)}/${String(task.maxAttempts)}`,
    task.agentId ?? '-',
    age(now - task.submittedAt),
    milliseconds(task.queuedMs),
    milliseconds(task.runMs),
    task.waitsFor?.reason ?? '-',
    task.error === null ? '-' : task.error.name,
  ];
}
