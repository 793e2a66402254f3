import { build, type Histogram } from 'hdr-histogram-js';

/** How many tasks are begun in one go when the loop has fallen behind: it must not starve its own socket. */
const LONGEST_BURST = 1000;

export interface OpenLoopOptions {
  readonly ratePerSecond: number;
  /** Ends with whichever comes first. */
  readonly requests: number;
  readonly durationMs: number;
  /** Does one piece of work; rejects when it fails. */
  readonly request: () => Promise<void>;
}

export interface OpenLoopResult {
  readonly completed: number;
  readonly failed: number;
  /** Failures by message, the most frequent 20. */
  readonly errors: ReadonlyMap<string, number>;
  /** From the first start to the last end. Milliseconds. */
  readonly elapsedMs: number;
  /** Microseconds from the moment at which a request was due, not from the one at which it was sent. */
  readonly latency: Histogram;
}

const MOST_ERRORS = 20;

/**
 * Begins requests at a fixed rate, whatever becomes of those before: an open loop. Each latency is measured from the
 * moment at which the request was due, so a server that stalls is charged for all that should have been sent meanwhile
 * (G. Tene, "How NOT to Measure Latency": coordinated omission).
 */
export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { ratePerSecond, durationMs, request } = options;
  const requests = Math.min(options.requests, Math.floor((ratePerSecond * durationMs) / 1000));
  const latency = build({ highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 });
  const errors = new Map<string, number>();
  let completed = 0;
  let failed = 0;
  const startedAt = performance.now();
  const begin = (dueAt: number) =>
    request().then(
      () => {
        completed++;
        latency.recordValue(Math.max(1, Math.round((performance.now() - dueAt) * 1000)));
      },
      (error: unknown) => {
        failed++;
        const text = error instanceof Error ? error.message : String(error);
        if (errors.size < MOST_ERRORS || errors.has(text)) errors.set(text, (errors.get(text) ?? 0) + 1);
      },
    );
  await new Promise<void>((resolve) => {
    let begun = 0;
    let over = 0;
    const turn = () => {
      const due = Math.min(
        requests,
        Math.floor(((performance.now() - startedAt) * ratePerSecond) / 1000) + 1,
      );
      for (const end = Math.min(due, begun + LONGEST_BURST); begun < end; begun++) {
        void begin(startedAt + (begun * 1000) / ratePerSecond).then(() => {
          if (++over === requests) resolve();
        });
      }
      if (begun < due) setImmediate(turn);
      else if (begun < requests) setTimeout(turn, 1);
    };
    if (requests === 0) resolve();
    else turn();
  });
  return { completed, failed, errors, elapsedMs: performance.now() - startedAt, latency };
}
