import type { Command } from 'commander';
import type { StatusView } from '../observe/coordinator-view.js';
import { withClient } from './connection.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { formatDuration } from './options/duration.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

export function registerStatusCommand(program: Command): Command {
  const command = program.command('status').description('how a running coordinator is');
  addOptions(command, queryOptions);
  addExample(command, 'swarm-coordinator status');
  command.action(async () => {
    const options = await readOptions(command, queryOptions);
    const {
      type: _type,
      requestId: _requestId,
      ...status
    } = await withClient(options, (client) => client.status());
    const output = new Output();
    if (options.json) await writeJson(output, status);
    else await output.write(formatStatus(status));
  });
  return command;
}

function formatStatus(status: StatusView): string {
  const { now = Date.now() } = status;
  const rows: readonly (readonly [string, string])[] = [
    ['coordinator', `${status.coordinatorId} (${status.version})`],
    ['up', formatDuration(Math.max(0, Math.floor((now - status.startedAt) / 1000) * 1000))],
    ['state', status.draining ? 'draining: takes no new tasks' : 'running'],
    ['agents', counts(status.agents)],
    ['clients', String(status.clients)],
    ['tasks', counts(nonZero(status.tasks))],
    ['queued', counts(status.queued)],
    ...(status.paused === undefined ? [] : [['paused', status.paused.join(', ')] as const]),
    ['memory', `${(status.memoryBytes / 2 ** 20).toFixed(1)} MiB`],
    ['dropped', counts(nonZero(status.dropped))],
    ['protocol errors', String(status.protocolErrors)],
  ];
  return rows.map(([name, text]) => `${name.padEnd(16)}${text}\n`).join('');
}

function nonZero(record: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(record).filter(([, count]) => count > 0));
}

function counts(record: Readonly<Record<string, number>>): string {
  const entries = Object.entries(record);
  return entries.length === 0
    ? 'none'
    : entries.map(([name, count]) => `${String(count)} ${name}`).join(', ');
}
