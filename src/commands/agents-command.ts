import type { Command } from 'commander';
import type { AgentSummary } from '../protocol/messages.js';
import { withTime } from './connection.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { formatTable, tableWidth, type Column } from './output/table.js';
import { addExample } from './program.js';

export const AGENT_COLUMNS: readonly Column[] = [
  { title: 'AGENT', shrink: true },
  { title: 'TYPE' },
  { title: 'STATE' },
  { title: 'TASKS', align: 'right' },
  { title: 'LOAD', align: 'right', leaveOut: 4 },
  { title: 'MEMORY', align: 'right', leaveOut: 2 },
  { title: 'RTT', align: 'right', leaveOut: 3 },
  { title: 'DONE', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'HEARD', align: 'right' },
  { title: 'ADDRESS', shrink: true, leaveOut: 1 },
];

export function registerAgentsCommand(program: Command): Command {
  const command = program.command('agents').description('the agents of a running coordinator');
  addOptions(command, queryOptions);
  addExample(command, 'swarm-coordinator agents');
  command.action(async () => {
    const options = await readOptions(command, queryOptions);
    const [agents, now] = await withTime(options, (client) => client.agents());
    const output = new Output();
    if (options.json) return writeJson(output, agents);
    const rows = agents.map((agent) => agentRow(agent, now));
    await output.write(rows.length === 0 ? 'no agents\n' : formatTable(AGENT_COLUMNS, rows, tableWidth()));
  });
  return command;
}

export function agentRow(agent: AgentSummary, now: number): string[] {
  return [
    agent.agentId,
    agent.agentType,
    agent.state,
    `${String(agent.activeTasks)}/${String(agent.concurrency)}`,
    `${(agent.load * 100).toFixed(0)}%`,
    `${(agent.memoryBytes / 2 ** 20).toFixed(0)} MiB`,
    agent.rttMs === null ? '-' : agent.rttMs < 1 ? '<1 ms' : `${agent.rttMs.toFixed(0)} ms`,
    String(agent.completed),
    String(agent.failed),
    `${Math.max(0, (now - agent.lastHeardAt) / 1000).toFixed(0)}s ago`,
    agent.address,
  ];
}
