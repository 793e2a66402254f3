export interface Progress {
  /** Adds `steps` done; default 1. */
  advance(steps?: number): void;
  /** Leaves the bar as it is and gives the terminal back. Harmless when called again. */
  stop(): void;
}

export interface ProgressOptions {
  /** What the steps are, such as `tasks`. */
  readonly label: string;
  readonly total: number;
  /** Default standard error, so that data on standard output stays clean. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** A progress bar on a terminal; elsewhere nothing at all. */
export async function startProgress({
  label,
  total,
  stream = process.stderr,
}: ProgressOptions): Promise<Progress> {
  if (stream.isTTY !== true) return { advance: () => undefined, stop: () => undefined };
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: `{bar} {percentage}%  {value}/{total} ${label}  {eta_formatted} left`,
      hideCursor: true,
      clearOnComplete: false,
      // Signals belong to the command.
      gracefulExit: false,
      fps: 10,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  let running = true;
  return {
    advance: (steps = 1) => {
      if (running) bar.increment(steps);
    },
    stop: () => {
      if (running) bar.stop();
      running = false;
    },
  };
}
