import { memoryFailure } from './attempt.js';
import type { FromHost, HostOptions, ToHost } from './host-messages.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunRequest } from './runner.js';
import { WorkerPool } from './worker-pool.js';

/**
 * The entry of a process that runs own handlers, one task at a time, in a worker thread of its own. V8 limits the heap of
 * that thread, and this process, which does nothing else, sees by its own size what the task takes beside it, in typed arrays
 * and buffers. What V8 cannot limit without ending the process (one allocation larger than all that is left) ends this one.
 */
function serve({ handlersFile, memoryLimit }: HostOptions, send: (message: FromHost) => void): void {
  const pool = new WorkerPool({
    threads: 1,
    handlersFile,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memoryLimit / MIB) },
    idleThreadMs: Infinity,
  });
  const atStart = process.memoryUsage.rss();
  const taken = () => process.memoryUsage.rss() - atStart;
  let running: { readonly run: Run; readonly watch: NodeJS.Timeout } | null = null;

  const finish = (finished: RunOutcome) => {
    if (running === null) return;
    clearInterval(running.watch);
    running = null;
    // What one task leaves behind must not count against the next.
    send({ finished, spent: taken() > memoryLimit / 2 });
  };
  const start = (request: RunRequest) => {
    const startedAt = performance.now();
    const run = pool.start(request, {
      progress: (progress, note) => send({ progress, note }),
      finished: finish,
    });
    const watch = setInterval(() => {
      if (taken() <= memoryLimit + HEADROOM) return;
      finish(memoryFailure(request.kind, performance.now() - startedAt, memoryLimit));
      run.terminate();
    }, WATCH_MS);
    running = { run, watch };
  };
  process.on('message', (message: ToHost) => {
    if (message === 'abort') running?.run.abort();
    else start(message.run);
  });
}

const MIB = 2 ** 20;
/** Young objects, stacks and code come on top of the heap that V8 counts. */
const HEADROOM = 64 * MIB;
const WATCH_MS = 50;

// Terminals and service managers signal the whole group. The agent drains, and ends this process when it is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
// The agent is gone, however it went.
process.on('disconnect', () => process.exit());
const [, , handlersFile = '', memoryLimit = ''] = process.argv;
serve({ handlersFile, memoryLimit: Number(memoryLimit) }, (message) => process.send?.(message));
