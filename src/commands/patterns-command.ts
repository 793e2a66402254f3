import type { Command } from 'commander';
import type { PatternQuery, PatternReport } from '../client/patterns.js';
import { MAX_PATTERN_POINTS } from '../protocol/limits.js';
import { numberList } from '../tasks/checks.js';
import { TaskInputError } from '../tasks/kind.js';
import { MAX_MAGNITUDE } from '../tasks/pattern-match/points.js';
import { withTime } from './connection.js';
import { UsageError } from './exit.js';
import { readCsvTail } from './input/csv.js';
import { readJsonInput } from './input/json-input.js';
import { sourceName } from './input/source.js';
import { addOptions, readOptions } from './options/options.js';
import { patternsOptions } from './options/patterns-options.js';
import type { Values } from './options/spec.js';
import { age } from './output/durations.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { formatTable, tableWidth, type Column } from './output/table.js';
import { addExample } from './program.js';

/** Adds `patterns`: what was looked for before, and what came of it. */
export function registerPatternsCommand(program: Command): Command {
  const command = program
    .command('patterns')
    .description(
      'patterns that pattern-match tasks have looked for: those most like a series, and what came of them',
    );
  addOptions(command, patternsOptions);
  addExample(command, 'swarm-coordinator patterns --csv prices.csv --column close --window 20');
  command.action(async () => {
    const options = await readOptions(command, patternsOptions);
    const query = { ...(await queryOf(options)), limit: options.limit };
    const [report, now] = await withTime(options, (client) => client.patterns(query));
    const output = new Output();
    if (options.json) await writeJson(output, report);
    else await output.write(formatPatterns(report, now, tableWidth()));
  });
  return command;
}

async function queryOf({
  input,
  csv,
  column,
  window,
  task,
}: Values<typeof patternsOptions>): Promise<PatternQuery> {
  const [first, second] = Object.entries({ input, csv, task }).filter(([, given]) => given !== null);
  if (first !== undefined && second !== undefined)
    throw new UsageError(`--${second[0]}: does not go with --${first[0]}: give one of them`);
  if (csv === null) {
    if (column !== null) throw new UsageError('--column: goes with --csv FILE only');
    if (window !== null) throw new UsageError('--window: goes with --csv FILE only');
    if (task !== null) return { taskId: task };
    return input === null ? {} : { series: await readSeries(input) };
  }
  if (column === null) throw new UsageError('--csv: needs --column NAME');
  if (window === null) throw new UsageError('--csv: needs --window N');
  return { series: checkedSeries(await readCsvTail(csv, { column, window }), '--csv', csv) };
}

async function readSeries(path: string): Promise<ArrayLike<number>> {
  return checkedSeries(await readJsonInput(path), '--input', path);
}

/** @throws UsageError for what is no series, or one without a shape: nothing is asked of the coordinator. */
function checkedSeries(value: unknown, flag: string, path: string): ArrayLike<number> {
  const where = `${flag}: ${sourceName(path)}`;
  try {
    const limits = { minLength: 2, maxLength: MAX_PATTERN_POINTS, maxMagnitude: MAX_MAGNITUDE };
    const series = numberList(value, 'series', limits);
    if (series.some((point) => point !== series[0])) return series;
    throw new UsageError(`${where}: every number is ${String(series[0])}: that has no shape to compare`);
  } catch (error) {
    if (!(error instanceof TaskInputError)) throw error;
    throw new UsageError(`${where}: ${error.message}`, { cause: error });
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'TASK' },
  { title: 'AGENT', shrink: true, leaveOut: 3 },
  { title: 'POINTS', align: 'right', leaveOut: 1 },
  { title: 'SIMILARITY', align: 'right' },
  { title: 'EXPECTED', align: 'right' },
  { title: 'CONFIDENCE', align: 'right', leaveOut: 2 },
  { title: 'CAME', align: 'right' },
  { title: 'WORTH', align: 'right', leaveOut: 4 },
  { title: 'AGO', align: 'right' },
];

export function formatPatterns(report: PatternReport, now: number, width: number | null): string {
  const { store, patterns, withOutcome, similar } = report;
  const summary = `${patterns} patterns kept (${store}), the outcome of ${withOutcome} is known\n`;
  if (similar.length === 0) return summary;
  const rows = similar.map((row) => [
    row.taskId,
    row.agentId,
    String(row.points),
    row.similarity.toFixed(3),
    decimals(row.expected),
    decimals(row.confidence),
    decimals(row.actual),
    decimals(row.value),
    age(now - row.recordedAt),
  ]);
  return `${summary}\n${formatTable(COLUMNS, rows, width)}`;
}

const decimals = (value: number | null) => (value === null ? '-' : String(Number(value.toPrecision(4))));
