import type { Command } from 'commander';
import type { TaskHistoryEntry, TaskSummary } from '../protocol/messages.js';
import { withClient } from './connection.js';
import { taskId } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { readArgument } from './options/read-argument.js';
import { milliseconds } from './output/durations.js';
import { toJson, writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { oneLine } from './one-line.js';
import { addExample } from './program.js';

/** Adds `task ID`: one task with its story and its result. */
export function registerTaskCommand(program: Command): Command {
  const command = program
    .command('task')
    .description('one task: how it stands, what happened to it, its result')
    .argument('ID', 'the task');
  addOptions(command, queryOptions);
  addExample(command, 'swarm-coordinator task 01890a5d-ac96-774b-bcce-b302099a8057');
  command.action(async (id: string) => {
    const options = await readOptions(command, queryOptions);
    const wanted = readArgument('ID', id, taskId);
    const { task, history, result } = await withClient(options, (client) => client.task(wanted));
    const output = new Output();
    if (options.json) await writeJson(output, { ...task, history, result });
    else await output.write(formatTask(task, history, result));
  });
  return command;
}

function formatTask(task: TaskSummary, history: readonly TaskHistoryEntry[], result: unknown): string {
  const { attempts, maxAttempts, error, progress } = task;
  const rows: (readonly [string, string])[] = [
    ['task', task.taskId],
    ['kind', task.kind],
    [
      'state',
      task.state === 'running' && progress !== null ? `running, ${percent(progress)} done` : task.state,
    ],
    ['priority', String(task.priority)],
    [
      'attempts',
      maxAttempts === undefined ? String(attempts) : `${String(attempts)} of ${String(maxAttempts)}`,
    ],
    ['agent', task.agentId ?? '-'],
    ['submitted', instant(task.submittedAt)],
  ];
  if (task.notBefore !== undefined) rows.push(['not before', instant(task.notBefore)]);
  if (task.needs !== undefined) rows.push(['needs', task.needs.join(', ')]);
  if (task.traceparent !== undefined) rows.push(['trace', task.traceparent]);
  if (task.waitsFor !== undefined)
    rows.push(['waits for', `${task.waitsFor.detail} (${task.waitsFor.reason})`]);
  if (task.finishedAt !== undefined) rows.push(['finished', instant(task.finishedAt)]);
  rows.push(['queued for', milliseconds(task.queuedMs)], ['ran for', milliseconds(task.runMs)]);
  if (error !== null) rows.push(['error', `${error.name}: ${error.message}`]);
  const head = rows.map(([name, text]) => `${name.padEnd(12)}${oneLine(text)}\n`).join('');
  const story = history.map((entry) => `  ${oneLine(formatEntry(entry))}\n`).join('');
  const body = task.state === 'completed' ? `result\n${toJson(result, 2)}\n` : '';
  return `${head}${story === '' ? '' : `history\n${story}`}${body}`;
}

function formatEntry({ at, event, attempt, agentId, detail }: TaskHistoryEntry): string {
  const parts = [instant(at), event];
  if (attempt !== undefined) parts.push(`attempt ${String(attempt)}`);
  if (agentId !== undefined) parts.push(agentId);
  if (detail !== undefined) parts.push(detail);
  return parts.join('  ');
}

const instant = (at: number) => new Date(at).toISOString();
const percent = (fraction: number) => `${(fraction * 100).toFixed(0)}%`;
