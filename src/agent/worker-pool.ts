import { MessageChannel, type ResourceLimits } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { failedRun, memoryFailure } from './attempt.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunListener, RunRequest } from './runner.js';
import { ABORTED_FLAG, STARTED_FLAG, type ProgressReport, type WorkerJob } from './worker-job.js';

export interface WorkerPoolOptions {
  /** Worker threads at most; tasks beyond them wait here, first come first served. */
  readonly threads: number;
  /** Absolute path of the user's handlers, or null. */
  readonly handlersFile: string | null;
  /** Memory limits of each thread; a task that exceeds them fails with MEMORY_LIMIT, alone. */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** An idle thread ends after this. Milliseconds. */
  readonly idleThreadMs: number;
}

/** Where a job is. Over: its outcome has been told. */
type JobState =
  | { readonly state: 'queued' }
  | {
      readonly state: 'posted';
      readonly at: number;
      readonly kill: AbortController;
      readonly channel: MessageChannel;
    }
  | { readonly state: 'over' };

interface Job {
  readonly request: RunRequest;
  readonly listener: RunListener;
  readonly flags: Int32Array;
  /** How often it was posted to a thread that died before it began. */
  lostStarts: number;
  state: JobState;
}

/** After so many threads died before a task began, threads cannot start at all. */
const MAX_LOST_STARTS = 3;

/**
 * Runs tasks in worker threads, one at a time in each. Threads start with the first task.
 *
 * The queue is here and not in the pool: the pool does not start a thread for what waits when one is terminated or
 * crashes, so it never gets more tasks than it has threads.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #queue: Job[] = [];
  /** All and only the jobs in state `posted`. */
  readonly #posted = new Set<Job>();
  #threads: Piscina<WorkerJob, RunOutcome> | null = null;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  start(request: RunRequest, listener: RunListener): Run {
    const job: Job = {
      request,
      listener,
      flags: new Int32Array(new SharedArrayBuffer(8)),
      lostStarts: 0,
      state: { state: 'queued' },
    };
    this.#queue.push(job);
    // Not now: the caller first has to know the run.
    queueMicrotask(() => this.#postWaiting());
    return { abort: () => this.#abort(job), terminate: () => this.#terminate(job) };
  }

  /** Ends every run and every thread. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#queue, ...this.#posted]) this.#terminate(job);
    await this.#threads?.destroy();
  }

  #postWaiting(): void {
    while (!this.#closed && this.#posted.size < this.#options.threads) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#post(job);
    }
  }

  #post(job: Job): void {
    const { request, flags, listener } = job;
    const kill = new AbortController();
    const channel = new MessageChannel();
    const at = performance.now();
    const posted: JobState = { state: 'posted', at, kill, channel };
    job.state = posted;
    this.#posted.add(job);
    channel.port1.on('message', (report: ProgressReport) => {
      if (job.state.state !== 'posted') return;
      if (report.note === undefined) listener.progress(report.fraction);
      else listener.progress(report.fraction, report.note);
    });
    // A running thread keeps the process alive; this port must not do so beyond it.
    channel.port1.unref();
    // A copy, to be transferred: the task may have to be posted again.
    const payload = Uint8Array.from(request.payload);
    const message: WorkerJob = {
      taskId: request.taskId,
      kind: request.kind,
      payload,
      flags,
      port: channel.port2,
      handlersFile: this.#options.handlersFile,
      settings: request.settings ?? null,
      memories: request.memories ?? [],
      traceparent: request.traceparent ?? null,
    };
    this.#pool()
      .run(message, { signal: kill.signal, transferList: [payload.buffer, channel.port2] })
      .then(
        (outcome) => this.#over(job, outcome),
        (error: unknown) => {
          // Not this posting's any more when the task was taken back from a thread that died.
          if (job.state === posted) this.#over(job, this.#crashed(job, performance.now() - at, error));
        },
      );
  }

  #abort(job: Job): void {
    if (job.state.state === 'queued') this.#terminate(job);
    if (job.state.state !== 'posted') return;
    Atomics.store(job.flags, ABORTED_FLAG, 1);
    job.state.channel.port1.postMessage('abort');
  }

  #terminate(job: Job): void {
    switch (job.state.state) {
      case 'queued':
        this.#queue.splice(this.#queue.indexOf(job), 1);
        queueMicrotask(() => this.#over(job, { outcome: 'aborted', runMs: 0 }));
        return;
      case 'posted':
        Atomics.store(job.flags, ABORTED_FLAG, 1);
        job.state.kill.abort();
        return;
      case 'over':
        return;
    }
  }

  #over(job: Job, outcome: RunOutcome): void {
    if (job.state.state === 'over') return;
    if (job.state.state === 'posted') job.state.channel.port1.close();
    job.state = { state: 'over' };
    this.#posted.delete(job);
    job.listener.finished(outcome);
    this.#postWaiting();
  }

  /** Takes a task that has not begun out of the pool, which still wants to hand it to a thread, and posts it again. */
  #loseStart(job: Job, error: unknown): void {
    if (job.state.state !== 'posted' || Atomics.load(job.flags, STARTED_FLAG) === 1) return;
    const { kill, channel } = job.state;
    if (++job.lostStarts >= MAX_LOST_STARTS) {
      this.#over(job, this.#crashed(job, 0, error));
    } else {
      channel.port1.close();
      job.state = { state: 'queued' };
      this.#posted.delete(job);
      this.#queue.unshift(job);
      queueMicrotask(() => this.#postWaiting());
    }
    kill.abort();
  }

  #pool(): Piscina<WorkerJob, RunOutcome> {
    if (this.#threads !== null) return this.#threads;
    const { threads, resourceLimits, idleThreadMs } = this.#options;
    const pool = new Piscina<WorkerJob, RunOutcome>({
      filename: fileURLToPath(new URL('./task-worker.js', import.meta.url)),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: idleThreadMs,
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    // A thread died: of the task it ran (which hears of that itself), of something that an earlier handler left behind,
    // or while starting. What was posted and has not begun may have been meant for it.
    pool.on('error', (error: unknown) => {
      for (const job of [...this.#posted]) this.#loseStart(job, error);
    });
    this.#threads = pool;
    return pool;
  }

  #crashed(job: Job, runMs: number, error: unknown): RunOutcome {
    if (Atomics.load(job.flags, ABORTED_FLAG) === 1) return { outcome: 'aborted', runMs };
    const { kind } = job.request;
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      const heapMib = this.#options.resourceLimits?.maxOldGenerationSizeMb;
      return memoryFailure(kind, runMs, heapMib === undefined ? undefined : heapMib * 2 ** 20);
    }
    const reason = error instanceof Error ? error.message : String(error);
    const text = `the worker thread of ${kind} ended before its task: ${reason}`;
    return failedRun(runMs, 'WORKER_CRASHED', text, true);
  }
}
