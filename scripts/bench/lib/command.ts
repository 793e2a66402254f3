import type { Target } from './target.js';

/** A benchmark as a command: what `--help` says, how arguments become options, what is measured and how it is told. */
export interface Benchmark<Options extends { readonly json: boolean; readonly check: boolean }, Results> {
  readonly usage: string;
  /** Throws an Error whose message is fit for the user. */
  parse(args: readonly string[]): Options;
  measure(options: Options): Promise<Results>;
  judge(results: Results): readonly Target[];
  report(results: Results, targets: readonly Target[]): string;
}

/** Sets the exit status: 0 measured, 1 could not measure or (with `--check`) a target was missed, 2 wrong usage. */
export async function runBenchmark<
  Options extends { readonly json: boolean; readonly check: boolean },
  Results,
>(benchmark: Benchmark<Options, Results>, args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(`${benchmark.usage}\n`);
    return;
  }
  let options: Options;
  try {
    options = benchmark.parse(args);
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    const results = await benchmark.measure(options);
    const targets = benchmark.judge(results);
    const text = options.json
      ? JSON.stringify({ ...results, targets }, null, 2)
      : benchmark.report(results, targets);
    process.stdout.write(`${text}\n`);
    if (options.check && targets.some(({ met }) => !met)) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    // Something may still be open; after a success nothing may, and the process ends by itself.
    process.exit(1);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
