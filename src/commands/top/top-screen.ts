import sparkly from 'sparkly';
import type { AgentSummary } from '../../protocol/messages.js';
import { AGENT_COLUMNS, agentRow } from '../agents-command.js';
import { oneLine } from '../one-line.js';
import { formatDuration } from '../options/duration.js';
import { displayWidth, fit } from '../output/display-width.js';
import { formatTable } from '../output/table.js';
import type { Sample, TopState } from './top-state.js';

/** Columns before a sparkline: its name and the latest figure. */
const LABEL_WIDTH = 24;
/** Agents are drawn only when this many lines are left: their heading and some of them. */
const MIN_AGENT_LINES = 3;

/**
 * The whole screen as lines: `height` of them, 1 or more, none wider than `width` columns. What matters most stands first,
 * and what does not fit is left out from below. `now` is on the clock of the samples.
 */
export function drawTop(state: TopState, width: number, height: number, now: number): string[] {
  const { sample } = state;
  const lines = [heading(state, width, now)];
  if (state.problem !== null) lines.push(`! ${state.problem}`);
  if (sample === null) {
    if (state.problem === null) lines.push('', 'waiting for the first answer');
  } else {
    lines.push('', ...figures(sample), '', ...sparklines(state, width), '');
    lines.push(...agentLines(state, sample, width, height - lines.length - 1));
  }
  const shown = lines.slice(0, Math.max(1, height - 1));
  if (height > 1) {
    while (shown.length < height - 1) shown.push('');
    shown.push('q quit   ↑ ↓ scroll');
  }
  return shown.map((line) => fit(oneLine(line), Math.max(1, width)));
}

function heading({ address, sample }: TopState, width: number, now: number): string {
  const name = `swarm-coordinator ${sample?.status.coordinatorId ?? ''} at ${address}`.replaceAll('  ', ' ');
  if (sample === null) return name;
  const upMs = now + aheadOf(sample) - sample.status.startedAt;
  const up = formatDuration(Math.max(0, Math.floor(upMs / 1000) * 1000));
  const right = `${sample.status.draining ? 'DRAINING' : 'running'}, up ${up}`;
  const left = fit(name, Math.max(1, width - displayWidth(right) - 2));
  return `${left}${' '.repeat(Math.max(2, width - displayWidth(left) - displayWidth(right)))}${right}`;
}

/** How far the coordinator's clock is ahead of that of the samples, milliseconds. */
function aheadOf({ at, status: { now = at } }: Sample): number {
  return now - at;
}

function figures({ status, agents }: Sample): string[] {
  const states = new Map<string, number>();
  for (const { state } of agents) states.set(state, (states.get(state) ?? 0) + 1);
  const stalled = agents.filter((agent) => agent.stalled === true).length;
  if (stalled > 0) states.set('stalled', stalled);
  const dropped = Object.values(status.dropped).reduce((sum, count) => sum + count, 0);
  return [
    `tasks    ${counts(Object.entries(status.tasks))}`,
    `queue    ${counts(Object.entries(status.queued))}`,
    `agents   ${counts([...states])}`,
    `process  ${megabytes(status.memoryBytes)}, ${number(status.clients)} clients, ` +
      `${number(dropped)} datagrams dropped, ${number(status.protocolErrors)} messages refused`,
  ];
}

function counts(entries: readonly (readonly [string, number])[]): string {
  const present = entries.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  return present.map(([name, count]) => `${number(count)} ${name}`).join(', ') || 'none';
}

function sparklines({ history }: TopState, width: number): string[] {
  const points = Math.max(0, width - LABEL_WIDTH);
  const line = (name: string, values: readonly number[]) => {
    const latest = number(Math.round((values.at(-1) ?? 0) * 10) / 10);
    const label = `${name.padEnd(LABEL_WIDTH - 11)}${latest.padStart(9)}  `;
    return points === 0 ? label : label + sparkly(values.slice(-points), { minimum: 0 });
  };
  return [
    line('submitted/s', history.submitted),
    line('started/s', history.started),
    line('ended/s', history.ended),
    line('waiting', history.waiting),
    line('running', history.running),
  ];
}

/** Agents in trouble first, so that they are seen however many there are. */
function agentLines({ scrolled }: TopState, sample: Sample, width: number, height: number): string[] {
  if (height < MIN_AGENT_LINES) return [];
  if (sample.agents.length === 0) return ['no agents'];
  const sorted = [...sample.agents].sort(
    (a, b) => trouble(b) - trouble(a) || byId.compare(a.agentId, b.agentId),
  );
  const fits = sorted.length - scrolled <= height - 1;
  const shown = sorted.slice(scrolled, scrolled + (fits ? height - 1 : height - 2));
  const table = formatTable(
    AGENT_COLUMNS,
    shown.map((agent) => agentRow(agent, sample.agentsAt + aheadOf(sample))),
    width,
  );
  const below = sorted.length - scrolled - shown.length;
  return [...table.trimEnd().split('\n'), ...(below > 0 ? [`… ${number(below)} more below`] : [])];
}

const byId = new Intl.Collator('en', { numeric: true });

function trouble(agent: AgentSummary): number {
  if (agent.stalled === true) return 4;
  return { disconnected: 3, suspect: 2, draining: 1, connected: 0 }[agent.state];
}

const format = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function number(value: number): string {
  return format.format(value);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
