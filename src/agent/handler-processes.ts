import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { failedRun, memoryFailure } from './attempt.js';
import type { FromHost, HostOptions, ToHost } from './host-messages.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunListener, RunRequest } from './runner.js';

export interface HandlerProcessesOptions extends HostOptions {
  /** Processes at most; tasks beyond them wait here, first come first served. */
  readonly processes: number;
  /** An idle process ends after this. Milliseconds. */
  readonly idleMs: number;
}

/** A process, and the task it runs. */
interface Host {
  readonly child: ChildProcess;
  job: Job | null;
  idleTimer: NodeJS.Timeout | undefined;
}

type JobState =
  | { readonly state: 'queued' }
  | { readonly state: 'running'; readonly at: number; readonly host: Host }
  | { readonly state: 'over' };

interface Job {
  readonly request: RunRequest;
  readonly listener: RunListener;
  aborted: boolean;
  state: JobState;
}

/**
 * Runs own handlers in processes, one task at a time in each: whatever a handler does to its process, the agent and the
 * other tasks go on. Processes start with the first task, and one that ended is replaced for the next.
 */
export class HandlerProcesses {
  readonly #options: HandlerProcessesOptions;
  readonly #queue: Job[] = [];
  readonly #hosts = new Set<Host>();
  #closed = false;

  constructor(options: HandlerProcessesOptions) {
    this.#options = options;
  }

  start(request: RunRequest, listener: RunListener): Run {
    const job: Job = { request, listener, aborted: false, state: { state: 'queued' } };
    this.#queue.push(job);
    // Not now: the caller first has to know the run.
    queueMicrotask(() => this.#runWaiting());
    return { abort: () => this.#abort(job), terminate: () => this.#terminate(job) };
  }

  /** Ends every run and every process. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#queue]) this.#terminate(job);
    const ended = [...this.#hosts].map(({ child }) => once(child, 'close'));
    for (const { child, job } of this.#hosts) {
      if (job !== null) job.aborted = true;
      keepAlive(child, true);
      child.kill('SIGKILL');
    }
    await Promise.all(ended);
  }

  #runWaiting(): void {
    while (!this.#closed && this.#queue.length > 0) {
      const host = this.#freeHost();
      if (host === null) return;
      const job = this.#queue.shift();
      if (job === undefined) return;
      host.job = job;
      job.state = { state: 'running', at: performance.now(), host };
      tell(host, { run: job.request });
    }
  }

  #freeHost(): Host | null {
    for (const host of this.#hosts) {
      if (host.job !== null) continue;
      clearTimeout(host.idleTimer);
      keepAlive(host.child, true);
      return host;
    }
    return this.#hosts.size < this.#options.processes ? this.#startHost() : null;
  }

  #startHost(): Host {
    const { handlersFile, memoryLimit } = this.#options;
    const child = fork(HOST_FILE, [handlersFile, String(memoryLimit)], { serialization: 'advanced' });
    const host: Host = { child, job: null, idleTimer: undefined };
    this.#hosts.add(host);
    child.on('message', (message: FromHost) => this.#heard(host, message));
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
      // Where it could not even start there is no exit to wait for.
      if (child.pid === undefined) this.#ended(host, error.message, false);
    });
    child.on('exit', (code, signal) => {
      const how = signal === null ? `exit status ${String(code)}` : signal;
      // V8 aborts the process when it cannot give a heap what it asks for.
      this.#ended(host, failure?.message ?? how, signal === 'SIGABRT' || code === ABORTED_STATUS);
    });
    return host;
  }

  #heard(host: Host, message: FromHost): void {
    const { job } = host;
    if (job === null) return;
    if ('progress' in message) {
      const { progress, note } = message;
      if (note === undefined) job.listener.progress(progress);
      else job.listener.progress(progress, note);
      return;
    }
    host.job = null;
    if (message.spent) this.#end(host);
    else this.#rest(host);
    this.#over(job, message.finished);
  }

  #rest(host: Host): void {
    host.idleTimer = setTimeout(() => this.#end(host), this.#options.idleMs);
    host.idleTimer.unref();
    keepAlive(host.child, false);
  }

  /** The process takes no more tasks: its place is free at once. */
  #end(host: Host): void {
    clearTimeout(host.idleTimer);
    this.#hosts.delete(host);
    host.child.kill('SIGKILL');
  }

  #ended(host: Host, how: string, outOfMemory: boolean): void {
    clearTimeout(host.idleTimer);
    this.#hosts.delete(host);
    const { job } = host;
    host.job = null;
    if (job?.state.state === 'running') {
      const { kind } = job.request;
      const runMs = performance.now() - job.state.at;
      if (job.aborted) this.#over(job, { outcome: 'aborted', runMs });
      else if (outOfMemory) this.#over(job, memoryFailure(kind, runMs, this.#options.memoryLimit));
      else {
        const text = `the process of ${kind} ended before its task: ${how}`;
        this.#over(job, failedRun(runMs, 'WORKER_CRASHED', text, true));
      }
    }
    this.#runWaiting();
  }

  #abort(job: Job): void {
    if (job.state.state === 'queued') this.#terminate(job);
    if (job.state.state !== 'running') return;
    job.aborted = true;
    tell(job.state.host, 'abort');
  }

  #terminate(job: Job): void {
    job.aborted = true;
    switch (job.state.state) {
      case 'queued':
        this.#queue.splice(this.#queue.indexOf(job), 1);
        queueMicrotask(() => this.#over(job, { outcome: 'aborted', runMs: 0 }));
        return;
      case 'running':
        job.state.host.child.kill('SIGKILL');
        return;
      case 'over':
        return;
    }
  }

  #over(job: Job, outcome: RunOutcome): void {
    if (job.state.state === 'over') return;
    job.state = { state: 'over' };
    job.listener.finished(outcome);
    this.#runWaiting();
  }
}

const HOST_FILE = fileURLToPath(new URL('./handler-host.js', import.meta.url));
/** What a shell makes of SIGABRT, and Windows of an abort. */
const ABORTED_STATUS = 134;

function tell({ child }: Host, message: ToHost): void {
  // A process that is ending does not listen any more; its exit tells the rest.
  child.send(message, () => undefined);
}

/** An idle process does not keep the agent's one alive. */
function keepAlive(child: ChildProcess, wanted: boolean): void {
  if (wanted) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
