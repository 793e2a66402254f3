/**
 * Loaded beside a program (`node --import`) that its parent started with a message channel: samples the delay of the
 * program's event loop and says it when asked, so that the program itself needs nothing for it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const NANOSECONDS_PER_MS = 1e6;

/** The parent's messages. */
export type ProbeRequest = 'start' | 'read';

/** The answer to `read`; the sampling interval of a millisecond is part of both. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

// Worker threads load it as well.
if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  process.on('message', (request: unknown) => {
    if (request === 'start') {
      delay.reset();
      delay.enable();
    } else if (request === 'read') {
      delay.disable();
      const answer: LoopDelay = {
        p99Ms: delay.percentile(99) / NANOSECONDS_PER_MS,
        maxMs: delay.max / NANOSECONDS_PER_MS,
      };
      process.send?.(answer);
    }
  });
  // Without its parent nobody would end it.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
