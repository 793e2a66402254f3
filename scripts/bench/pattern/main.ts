/** `npm run bench:pattern`: what pattern-match computes in a second. `--help` lists the options. */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { SeededRandom } from '../../../src/numeric/random.js';
import { dtw } from '../../../src/tasks/pattern-match/dtw.js';
import { parsePatternMatchInput } from '../../../src/tasks/pattern-match/input.js';
import { match } from '../../../src/tasks/pattern-match/match.js';
import { loadMidstreamer } from '../../../src/tasks/pattern-match/midstreamer.js';
import { runBenchmark } from '../lib/command.js';
import { table } from '../lib/table.js';
import { target, targetTable, type Target } from '../lib/target.js';

interface Options {
  readonly json: boolean;
  readonly check: boolean;
  /** Directory whose node_modules has the package; null for this one's. */
  readonly midstreamer: string | null;
}

/** Medians, in milliseconds. */
interface Results {
  readonly kernel: {
    readonly points: number;
    readonly builtinMs: number;
    /** null: the package is not installed. */
    readonly midstreamerMs: number | null;
  };
  readonly search: {
    readonly query: number;
    readonly series: number;
    readonly runs: number;
    readonly p50Ms: number;
  };
}

const USAGE = `usage: npm run bench:pattern -- [--json] [--check] [--midstreamer DIR]
  --json             one JSON document on standard output instead of tables
  --check            exit status 1 when a target is missed
  --midstreamer DIR  where midstreamer 0.2.5 is installed (DIR/node_modules); default: beside this package
kernel: DTW of 1000 x 1000 points, built in and by midstreamer
search: a query of 128 points in 1,000,000, normalised, with a window of 5 %`;

const KERNEL_POINTS = 1000;
const KERNEL_RUNS = 25;
const QUERY = 128;
const SERIES = 1_000_000;
const SEARCH_RUNS = 5;

function parse(args: readonly string[]): Options {
  let json = false;
  let check = false;
  let midstreamer: string | null = null;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--json') json = true;
    else if (arg === '--check') check = true;
    else if (arg === '--midstreamer') {
      midstreamer = rest.shift() ?? null;
      if (midstreamer === null) throw new Error(`--midstreamer: needs a directory\n${USAGE}`);
    } else throw new Error(`${arg}: no such option\n${USAGE}`);
  }
  return { json, check, midstreamer };
}

function measure({ midstreamer }: Options): Promise<Results> {
  return Promise.resolve({ kernel: measureKernel(midstreamer), search: measureSearch() });
}

function measureKernel(directory: string | null): Results['kernel'] {
  const a = walk(KERNEL_POINTS, 1);
  const b = walk(KERNEL_POINTS, 2);
  const other = otherKernel(directory);
  const builtin = () => dtw(a, b, { cost: 'absolute' });
  if (other !== null) {
    const [own, theirs] = [builtin(), other.dtw(a, b)];
    if (Math.abs(own - theirs) > 1e-9 * own) throw new Error(`the kernels differ: ${own} and ${theirs}`);
  }
  return {
    points: KERNEL_POINTS,
    builtinMs: median(KERNEL_RUNS, builtin),
    midstreamerMs: other === null ? null : median(KERNEL_RUNS, () => other.dtw(a, b)),
  };
}

function otherKernel(directory: string | null) {
  if (directory !== null) return loadMidstreamer(createRequire(join(resolve(directory), 'index.cjs')));
  try {
    return loadMidstreamer();
  } catch {
    return null;
  }
}

function measureSearch(): Results['search'] {
  const series = walk(SERIES, 3);
  const input = parsePatternMatchInput({
    current: walk(QUERY, 4),
    series,
    normalize: true,
    window: Math.round(QUERY * 0.05),
  });
  return { query: QUERY, series: SERIES, runs: SEARCH_RUNS, p50Ms: median(SEARCH_RUNS, () => match(input)) };
}

function walk(points: number, seed: number): Float64Array {
  const random = new SeededRandom(seed);
  let level = 0;
  return Float64Array.from({ length: points }, () => (level += random.fraction() - 0.5));
}

/** Median time of the runs, after one that is not counted. */
function median(runs: number, work: () => unknown): number {
  work();
  const times = Array.from({ length: runs }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? NaN;
}

function judge({ kernel, search }: Results): readonly Target[] {
  const { builtinMs, midstreamerMs } = kernel;
  return [
    target('search: p50, ms', search.p50Ms, 'below', 1000),
    ...(midstreamerMs === null
      ? []
      : [target('kernel: times as fast as midstreamer', midstreamerMs / builtinMs, 'at least', 5)]),
  ];
}

function report({ kernel, search }: Results, targets: readonly Target[]): string {
  const rows = table([
    ['measured', 'ms'],
    [`DTW ${kernel.points} x ${kernel.points}, built in`, kernel.builtinMs.toFixed(2)],
    [
      `DTW ${kernel.points} x ${kernel.points}, midstreamer`,
      kernel.midstreamerMs?.toFixed(2) ?? 'not installed (--midstreamer DIR)',
    ],
    [`${search.query} points in ${search.series}, p50 of ${search.runs}`, search.p50Ms.toFixed(0)],
  ]);
  return `${rows}\n\n${targetTable(targets)}`;
}

await runBenchmark({ usage: USAGE, parse, measure, judge, report }, process.argv.slice(2));
