import type { Command } from 'commander';
import type { ReasoningReport } from '../client/reasoning.js';
import { withTime } from './connection.js';
import { addOptions, readOptions } from './options/options.js';
import { reasoningOptions } from './options/reasoning-options.js';
import { age, milliseconds } from './output/durations.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { formatTable, tableWidth, type Column } from './output/table.js';
import { addExample } from './program.js';

/** Lines of a table for people; `--json` has all. */
const LINES = 20;

/** Adds `reasoning`: what was learned of the agents. */
export function registerReasoningCommand(program: Command): Command {
  const command = program
    .command('reasoning')
    .description('what a running coordinator has learned: performance, verdicts, adaptations, lessons');
  addOptions(command, reasoningOptions);
  addExample(command, 'swarm-coordinator reasoning --agent agent-1');
  command.action(async () => {
    const options = await readOptions(command, reasoningOptions);
    const { agent } = options;
    const [report, now] = await withTime(options, (client) => client.reasoning(agent ?? undefined));
    const output = new Output();
    if (options.json) await writeJson(output, report);
    else await output.write(formatReasoning(report, now, tableWidth()));
  });
  return command;
}

interface Section<Row> {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly cells: (row: Row) => string[];
}

export function formatReasoning(report: ReasoningReport, now: number, width: number | null): string {
  const { counters, judges } = report;
  const summary = [
    `${counters.experiences} experiences, ${counters.pendingForecasts} forecasts wait for their outcome`,
    `${counters.memories} lessons; judged by ${judges.length === 0 ? 'the coordinator itself' : judges.join(', ')}`,
  ];
  const sections = [
    section({
      title: 'performance',
      columns: PERFORMANCE,
      rows: report.performance,
      cells: performanceCells,
    }),
    section({
      title: 'adaptations under way',
      columns: UNDER_WAY,
      rows: report.underWay.filter(
        ({ phase, values }) => phase !== 'watching' || Object.keys(values).length > 0,
      ),
      cells: underWayCells,
    }),
    section({
      title: 'adaptations',
      columns: ADAPTATIONS,
      rows: report.adaptations,
      cells: (row) => adaptationCells(row, now),
    }),
    section({
      title: 'verdicts',
      columns: VERDICTS,
      rows: report.verdicts,
      cells: (row) => verdictCells(row, now),
    }),
    section({ title: 'lessons', columns: LESSONS, rows: report.memories, cells: lessonCells }),
  ];

  function section<Row>({ title, columns, rows, cells }: Section<Row>): string {
    if (rows.length === 0) return '';
    const table = formatTable(columns, rows.slice(0, LINES).map(cells), width);
    const more = rows.length > LINES ? `… and ${rows.length - LINES} more: --json has all\n` : '';
    return `\n${title}\n${table}${more}`;
  }

  return `${summary.join('\n')}\n${sections.join('')}`;
}

const PERFORMANCE: readonly Column[] = [
  { title: 'AGENT', shrink: true },
  { title: 'KIND', shrink: true },
  { title: 'CONTEXT', shrink: true, leaveOut: 3 },
  { title: 'RESULTS', align: 'right' },
  { title: 'FAILED', align: 'right', leaveOut: 4 },
  { title: 'SUCCESS', align: 'right' },
  { title: 'OUTCOME', align: 'right' },
  { title: 'P50', align: 'right', leaveOut: 1 },
  { title: 'P95', align: 'right', leaveOut: 5 },
  { title: 'TREND', align: 'right', leaveOut: 2 },
  { title: 'SCORE', align: 'right' },
];

function performanceCells(row: ReasoningReport['performance'][number]): string[] {
  const { successRate, outcome, latency, trend } = row;
  return [
    row.agentId ?? 'all',
    row.kind ?? 'all',
    row.context === null ? 'all' : row.context,
    String(row.delivered),
    String(row.failed),
    successRate === null ? '-' : interval(successRate.value, successRate.low, successRate.high, percent),
    outcome === null ? '-' : interval(outcome.mean, outcome.low, outcome.high, decimals),
    milliseconds(latency?.p50 ?? null),
    milliseconds(latency?.p95 ?? null),
    trend === null ? '-' : `${signed(trend.value)} ±${trend.standardError.toFixed(2)}`,
    row.score === null ? '-' : signed(row.score),
  ];
}

const UNDER_WAY: readonly Column[] = [
  { title: 'AGENT', shrink: true },
  { title: 'KIND', shrink: true },
  { title: 'PHASE' },
  { title: 'CHANGE', shrink: true },
  { title: 'SCORES', align: 'right' },
  { title: 'VALUES', shrink: true },
];

function underWayCells(row: ReasoningReport['underWay'][number]): string[] {
  const values = Object.entries(row.values).map(([name, value]) => `${name}=${String(value)}`);
  return [row.agentId, row.kind, row.phase, changes(row.suggestions), String(row.gathered), values.join(' ')];
}

const ADAPTATIONS: readonly Column[] = [
  { title: 'AGENT', shrink: true },
  { title: 'KIND', shrink: true },
  { title: 'CHANGE', shrink: true },
  { title: 'END' },
  { title: 'BEFORE', align: 'right' },
  { title: 'AFTER', align: 'right' },
  { title: 'HELPED BY', align: 'right' },
  { title: 'AGO', align: 'right' },
];

function adaptationCells(row: ReasoningReport['adaptations'][number], now: number): string[] {
  const { comparison, before, after } = row;
  return [
    row.agentId,
    row.kind,
    changes(row.suggestions),
    row.end,
    before === null ? '-' : signed(before),
    after === null ? '-' : signed(after),
    comparison === null ? '-' : interval(comparison.difference, comparison.low, comparison.high, signed),
    age(now - row.endedAt),
  ];
}

const VERDICTS: readonly Column[] = [
  { title: 'AGENT', shrink: true },
  { title: 'KIND', shrink: true },
  { title: 'EXPERIENCE', shrink: true },
  { title: 'SCORE', align: 'right' },
  { title: 'PARTS', shrink: true },
  { title: 'SURE', align: 'right' },
  { title: 'SUGGESTED', shrink: true },
  { title: 'JUDGE', shrink: true },
  { title: 'AGO', align: 'right' },
];

function verdictCells(row: ReasoningReport['verdicts'][number], now: number): string[] {
  const parts = Object.entries(row.parts).flatMap(([name, part]) =>
    part === null ? [] : [`${name} ${signed(part)}`],
  );
  return [
    row.agentId,
    row.kind,
    row.experienceId,
    signed(row.score),
    parts.join(' '),
    percent(row.confidence),
    changes(row.suggestions),
    row.judge,
    age(now - row.judgedAt),
  ];
}

const LESSONS: readonly Column[] = [
  { title: 'KIND', shrink: true },
  { title: 'FROM' },
  { title: 'SEEN', align: 'right' },
  { title: 'USED', align: 'right' },
  { title: 'LESSON', shrink: true },
];

function lessonCells({
  kind,
  learnedFrom,
  evidence,
  uses,
  title,
  content,
}: ReasoningReport['memories'][number]) {
  return [kind, learnedFrom, String(evidence), String(uses), `${title}. ${content}`];
}

function changes(suggestions: ReasoningReport['underWay'][number]['suggestions']): string {
  if (suggestions.length === 0) return '-';
  return suggestions
    .map(({ parameter, current, suggested }) => `${parameter} ${String(current)} to ${String(suggested)}`)
    .join(', ');
}

/** A value and its 95 % interval. */
function interval(
  value: number,
  low: number | null,
  high: number | null,
  text: (value: number) => string,
): string {
  return low === null || high === null ? text(value) : `${text(value)} [${text(low)}, ${text(high)}]`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
const decimals = (value: number) => value.toFixed(2);
const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
