import { DEFAULT_MAX_MESSAGE_BYTES, MAX_CONCURRENCY, MAX_HANDSHAKE_BYTES } from '../protocol/limits.js';
import type { ErrorDetail, Lease, MessageOf, TaskMemory } from '../protocol/messages.js';
import { LeaseMap } from './lease-map.js';
import type { RunOutcome } from './outcome.js';
import { MemoryOutbox, unfinished, type Answer, type Outbox } from './outbox.js';
import type { Run } from './runner.js';
import { SettledLeases } from './settled-leases.js';

/**
 * The agent's work: which leases it holds, what runs, what is to be answered. Plain code: events in, actions out;
 * the shell runs the handlers, sends the answers and owns the timer. A lease is answered once in a session, and
 * again after each reconnect until the coordinator says that the answer is stored.
 */
export interface WorkOptions {
  /** Tasks run at once; the credit the agent gives. */
  readonly concurrency: number;
  /** From an abort to the end by force. Milliseconds; default 2,000. */
  readonly abortGraceMs?: number;
  readonly outbox?: Outbox;
  /**
   * Above it unacknowledged results stop the agent from starting anything new, and from giving credit until half of them
   * are acknowledged. Bytes; default 256 MiB.
   */
  readonly maxOutboxBytes?: number;
}

/** A task as the coordinator leased it. */
export interface HeldTask {
  readonly lease: Lease;
  readonly kind: string;
  /** 10 first. */
  readonly priority: number;
  /** The attempt is aborted after this long. Milliseconds. */
  readonly timeoutMs: number;
  /** The encoded input; belongs to the task. */
  readonly payload: Uint8Array;
  /** Where it came from, for the shell: answers go back there. */
  readonly origin: number;
  /** What runs it: the shell's own, from the action `run` on. */
  run: Run | null;
  /** Lessons that came with it; absent when there are none. */
  readonly memories?: readonly TaskMemory[];
  /** The trace it belongs to; absent when it belongs to none. */
  readonly traceparent?: string;
}

/** Why a run is no longer wanted. */
export type AbortCause =
  | MessageOf<'CancelTask'>['reason']
  /** Its own time is over. */
  | 'deadline'
  /** The coordinator took the lease away: nobody waits for an answer. */
  | 'revoked'
  /** The drain is over; already answered. */
  | 'abandoned';

type Work =
  | { readonly state: 'received'; readonly task: HeldTask }
  | { readonly state: 'running'; readonly task: HeldTask; readonly abortAt: number }
  | {
      readonly state: 'aborting';
      readonly task: HeldTask;
      readonly cause: AbortCause;
      readonly terminateAt: number;
    }
  | { readonly state: 'terminating'; readonly task: HeldTask; readonly cause: AbortCause };

export type WorkEvent =
  | {
      readonly type: 'task';
      readonly message: MessageOf<'AgentTask'>;
      readonly payload: Uint8Array;
      readonly origin: number;
    }
  | {
      readonly type: 'cancel';
      readonly taskId: string;
      /** Absent: every lease of the task. */
      readonly epoch?: number | undefined;
      readonly reason: MessageOf<'CancelTask'>['reason'];
    }
  | { readonly type: 'progress'; readonly lease: Lease; readonly fraction: number; readonly note?: string }
  | { readonly type: 'finished'; readonly lease: Lease; readonly outcome: RunOutcome }
  /** The coordinator stored the answers of these tasks, or refuses them by name: nothing is to be sent again. */
  | { readonly type: 'settled'; readonly taskIds: readonly string[] }
  /** The coordinator refused a message about this task: its lease, or the older of its leases, is over. */
  | { readonly type: 'stale'; readonly taskId: string }
  /** The coordinator could not store the answer of this task now. */
  | { readonly type: 'unstored'; readonly taskId: string; readonly retryAfterMs: number }
  /** A session began or goes on. */
  | {
      readonly type: 'registered';
      readonly abortedTasks: readonly Lease[];
      /** Longest result that fits a message. */
      readonly maxResultBytes: number;
    }
  /** The drain's time is over. */
  | { readonly type: 'abandon' }
  | { readonly type: 'tick' };

export type WorkAction =
  | { readonly type: 'run'; readonly task: HeldTask }
  | { readonly type: 'abort'; readonly task: HeldTask; readonly cause: AbortCause }
  | { readonly type: 'terminate'; readonly task: HeldTask }
  /** `origin` null: of an earlier connection; any lane will do. */
  | { readonly type: 'answer'; readonly origin: number | null; readonly answer: Answer }
  /** Nothing will be answered to a task from there. */
  | { readonly type: 'release'; readonly origin: number }
  | {
      readonly type: 'progress';
      readonly origin: number;
      readonly message: MessageOf<'TaskProgress'>;
    };

/** Leases beyond the credit that are kept waiting: a coordinator that counts right never needs them. */
const QUEUE_BEYOND_CREDIT = 64;
/** Unacknowledged answers beyond which new leases are handed back. */
const MAX_OUTBOX_ANSWERS = 65_536;
/** Tasks whose leases were settled a moment ago and whose late duplicates must not run again. */
const REMEMBERED_LEASES = 4096;
/** Unacknowledged answers above which the agent gives no credit. */
const ANSWERS_WITHOUT_CREDIT = 32_768;
/** Room of a handshake for leases, beside all its other fields at their longest; and what one takes beside its task id. */
const LEASES_BYTES = MAX_HANDSHAKE_BYTES - 16 * 1024;
const LEASE_BYTES = 48;

const NOTHING: readonly WorkAction[] = [];

const failure = (name: string, message: string, retryable: boolean): ErrorDetail => ({
  name,
  message,
  retryable,
});

export class WorkCore {
  readonly #concurrency: number;
  readonly #abortGraceMs: number;
  readonly #outbox: Outbox;
  readonly #maxOutboxBytes: number;
  /** All and only the leases without an answer; one with an answer is in the outbox (or both, while abandoned). */
  readonly #held = new LeaseMap<Work>();
  /** All and only the tasks in state `received`, by priority, then in order of arrival. */
  readonly #waiting: HeldTask[] = [];
  readonly #settled = new SettledLeases(REMEMBERED_LEASES);
  /** When to send the answers of these tasks again. */
  readonly #resendAt = new Map<string, number>();
  #maxResultBytes = DEFAULT_MAX_MESSAGE_BYTES;
  /** The outbox was full and is not yet half empty. */
  #congested = false;
  /** No later than the earliest `abortAt`, `terminateAt` and `resendAt`. */
  #nextDeadline = Infinity;

  constructor(options: WorkOptions) {
    this.#concurrency = options.concurrency;
    this.#abortGraceMs = options.abortGraceMs ?? 2000;
    this.#outbox = options.outbox ?? new MemoryOutbox();
    this.#maxOutboxBytes = options.maxOutboxBytes ?? 256 * 1024 * 1024;
  }

  /** Tasks that run, those being aborted included. */
  get active(): number {
    return this.#held.size - this.#waiting.length;
  }

  /** Tasks received and not started. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** Tasks at once that the agent wants now: none while it holds too many results that are not acknowledged. */
  get credit(): number {
    const { bytes, size } = this.#outbox;
    const part = this.#congested ? 0.5 : 1;
    this.#congested = bytes > part * this.#maxOutboxBytes || size > part * ANSWERS_WITHOUT_CREDIT;
    return this.#congested ? 0 : this.#concurrency;
  }

  /** Nothing runs, waits or is unacknowledged. */
  get idle(): boolean {
    return this.#held.size === 0 && this.#outbox.size === 0;
  }

  /** The tasks that run. */
  *running(): Iterable<HeldTask> {
    for (const { state, task } of this.#held.values()) if (state !== 'received') yield task;
  }

  /** When to `tick` next, or Infinity. May be earlier than needed, when what was due then has ended. */
  get nextDeadline(): number {
    return this.#nextDeadline;
  }

  /** The leases to name in a handshake, those with a result first; at most as many as it holds. */
  leases(): Lease[] {
    const leases: Lease[] = [];
    let room = LEASES_BYTES;
    const add = (lease: Lease) => {
      room -= LEASE_BYTES + lease.taskId.length;
      if (room >= 0 && leases.length < MAX_CONCURRENCY) leases.push(lease);
    };
    for (const { lease } of this.#outbox.all()) add(lease);
    for (const work of this.#held.values()) {
      // What was abandoned is in the outbox as well.
      if ((work.state === 'received' || work.state === 'running') && !this.#isAnswered(work.task.lease)) {
        add(work.task.lease);
      }
    }
    return leases;
  }

  handle(event: WorkEvent, now: number): readonly WorkAction[] {
    switch (event.type) {
      case 'task':
        return this.#receive(event, now);
      case 'cancel':
        return this.#thenStart(this.#cancel(event, now), now);
      case 'progress':
        return this.#progress(event);
      case 'finished':
        return this.#thenStart(this.#finish(event.lease, event.outcome), now);
      case 'settled':
        for (const taskId of event.taskIds) this.#settle(taskId);
        return this.#thenStart(NOTHING, now);
      case 'stale':
        return this.#thenStart(this.#forgetStale(event.taskId, now), now);
      case 'unstored':
        this.#resendAt.set(event.taskId, now + event.retryAfterMs);
        this.#wakeBy(now + event.retryAfterMs);
        return NOTHING;
      case 'registered':
        return this.#thenStart(this.#resume(event, now), now);
      case 'abandon':
        return this.#abandon();
      case 'tick':
        return this.#tick(now);
    }
  }

  #receive(event: WorkEvent & { readonly type: 'task' }, now: number): readonly WorkAction[] {
    const { message, payload, origin } = event;
    const { kind, priority, timeoutMs } = message;
    const lease: Lease = { taskId: message.taskId, attempt: message.attempt, epoch: message.epoch };
    if (this.#held.get(lease) !== undefined || this.#settled.has(lease) || this.#isAnswered(lease))
      return NOTHING;
    if (
      this.#held.size >= this.#concurrency + QUEUE_BEYOND_CREDIT ||
      this.#outbox.size >= MAX_OUTBOX_ANSWERS
    ) {
      // Not kept for sending again, or a coordinator that does not count could fill our memory.
      const error = failure('AGENT_OVERLOADED', 'the agent was given more tasks than its credit', true);
      return [{ type: 'answer', origin, answer: unfinished(lease, 'failed', 0, error) }];
    }
    const held: HeldTask = { lease, kind, priority, timeoutMs, payload, origin, run: null };
    const { memories, traceparent } = message;
    const task =
      memories === undefined && traceparent === undefined
        ? held
        : {
            ...held,
            ...(memories === undefined ? {} : { memories }),
            ...(traceparent === undefined ? {} : { traceparent }),
          };
    if (this.#waiting.length === 0 && this.#mayStart) return [this.#start(task, now)];
    this.#wait(task);
    return this.#thenStart(NOTHING, now);
  }

  #wait(task: HeldTask): void {
    this.#held.set({ state: 'received', task });
    const place = this.#waiting.findIndex((other) => other.priority < task.priority);
    this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, task);
  }

  get #mayStart(): boolean {
    return this.active < this.#concurrency && this.#outbox.bytes <= this.#maxOutboxBytes;
  }

  #start(task: HeldTask, now: number): WorkAction {
    const abortAt = now + task.timeoutMs;
    this.#held.set({ state: 'running', task, abortAt });
    this.#wakeBy(abortAt);
    return { type: 'run', task };
  }

  /** Starts what waits, as far as there is room for it now. */
  #thenStart(actions: readonly WorkAction[], now: number): readonly WorkAction[] {
    if (this.#waiting.length === 0) return actions;
    const all = [...actions];
    while (this.#mayStart) {
      const task = this.#waiting.shift();
      if (task === undefined) break;
      all.push(this.#start(task, now));
    }
    return all;
  }

  #cancel(event: WorkEvent & { readonly type: 'cancel' }, now: number): WorkAction[] {
    const actions: WorkAction[] = [];
    for (const work of [...this.#held.values()]) {
      const { lease } = work.task;
      if (lease.taskId !== event.taskId || (event.epoch ?? lease.epoch) !== lease.epoch) continue;
      actions.push(...this.#unwant(work, event.reason, now));
    }
    return actions;
  }

  /** Stops work that has not been answered. */
  #unwant(work: Work, cause: AbortCause, now: number): WorkAction[] {
    const { task } = work;
    switch (work.state) {
      case 'received':
        this.#waiting.splice(this.#waiting.indexOf(task), 1);
        return this.#answer(task, cause === 'revoked' ? null : unfinished(task.lease, 'cancelled', 0));
      case 'running': {
        const terminateAt = now + this.#abortGraceMs;
        this.#held.set({ state: 'aborting', task, cause, terminateAt });
        this.#wakeBy(terminateAt);
        return [{ type: 'abort', task, cause }];
      }
      case 'aborting':
      case 'terminating':
        // A lease that was taken away meanwhile is no longer answered.
        if (cause === 'revoked') this.#held.set({ ...work, cause });
        return [];
    }
  }

  #progress(event: WorkEvent & { readonly type: 'progress' }): WorkAction[] {
    const work = this.#held.get(event.lease);
    if (work?.state !== 'running') return [];
    const { taskId, epoch } = work.task.lease;
    const { fraction, note } = event;
    const message = {
      type: 'TaskProgress',
      taskId,
      epoch,
      fraction,
      ...(note === undefined ? {} : { note }),
    } as const;
    return [{ type: 'progress', origin: work.task.origin, message }];
  }

  #finish(lease: Lease, outcome: RunOutcome): WorkAction[] {
    const work = this.#held.get(lease);
    if (work === undefined || work.state === 'received') return [];
    const { task } = work;
    if (work.state === 'running') return this.#answer(task, this.#answerOf(task, outcome));
    switch (work.cause) {
      case 'revoked':
      case 'abandoned':
        return this.#answer(task, null);
      case 'deadline': {
        // It finished after all, between the abort and now: the result stands.
        if (outcome.outcome === 'completed') return this.#answer(task, this.#answerOf(task, outcome));
        const text = `${task.kind} ran longer than its timeout of ${task.timeoutMs} ms`;
        const error = failure('TASK_TIMEOUT', text, true);
        return this.#answer(task, unfinished(task.lease, 'failed', outcome.runMs, error));
      }
      case 'cancelled':
      case 'timeout':
      case 'superseded':
        return this.#answer(task, unfinished(task.lease, 'cancelled', outcome.runMs));
    }
  }

  #answerOf(task: HeldTask, run: RunOutcome): Answer {
    const { lease, kind } = task;
    switch (run.outcome) {
      case 'failed':
        return unfinished(lease, 'failed', run.runMs, run.error);
      case 'aborted': {
        const error = failure('WORKER_CRASHED', `the worker of ${kind} was stopped`, true);
        return unfinished(lease, 'failed', run.runMs, error);
      }
      case 'completed': {
        const { payload, runMs, summary } = run;
        const { taskId, attempt, epoch } = lease;
        if (payload.byteLength > this.#maxResultBytes) {
          const text = `the result of ${kind} has ${payload.byteLength} bytes; a message holds ${this.#maxResultBytes}`;
          return unfinished(lease, 'failed', runMs, failure('RESULT_TOO_LARGE', text, false));
        }
        const message: Answer['message'] =
          summary === null
            ? { type: 'TaskCompletion', taskId, attempt, epoch, outcome: 'completed', runMs }
            : { ...summary, ...lease, runMs };
        return { lease, message, payload };
      }
    }
  }

  /** Ends a lease here; with an answer it moves to the outbox. */
  #answer(task: HeldTask, answer: Answer | null): WorkAction[] {
    this.#held.delete(task.lease);
    // The answer of a newer lease of the same task stands: this one would be refused as stale.
    if (answer === null || this.#isAnswered(task.lease)) {
      this.#settled.add(task.lease);
      return [{ type: 'release', origin: task.origin }];
    }
    this.#outbox.put(answer);
    return [{ type: 'answer', origin: task.origin, answer }];
  }

  #settle(taskId: string): void {
    const answer = this.#outbox.get(taskId);
    if (answer === null) return;
    this.#outbox.drop(taskId);
    this.#resendAt.delete(taskId);
    this.#settled.add(answer.lease);
  }

  /** Of several leases of one task only the newest can still be good; a single one was meant itself. */
  #forgetStale(taskId: string, now: number): WorkAction[] {
    const held = [...this.#held.values()].filter(({ task }) => task.lease.taskId === taskId);
    const answered = this.#outbox.get(taskId);
    const epochs = held.map(({ task }) => task.lease.epoch);
    if (answered !== null) epochs.push(answered.lease.epoch);
    const staleBefore = epochs.length === 1 ? Infinity : Math.max(...epochs);
    if (answered !== null && answered.lease.epoch < staleBefore) this.#settle(taskId);
    return held
      .filter(({ task }) => task.lease.epoch < staleBefore)
      .flatMap((work) => this.#unwant(work, 'revoked', now));
  }

  #resume(event: WorkEvent & { readonly type: 'registered' }, now: number): WorkAction[] {
    this.#maxResultBytes = event.maxResultBytes;
    this.#resendAt.clear();
    const actions: WorkAction[] = [];
    for (const lease of event.abortedTasks) {
      if (this.#outbox.get(lease.taskId)?.lease.epoch === lease.epoch) this.#settle(lease.taskId);
      const work = this.#held.get(lease);
      if (work !== undefined) actions.push(...this.#unwant(work, 'revoked', now));
    }
    for (const answer of this.#outbox.all()) actions.push({ type: 'answer', origin: null, answer });
    return actions;
  }

  #abandon(): WorkAction[] {
    const actions: WorkAction[] = [];
    const error = failure('AGENT_DRAINED', 'the agent stopped before the task was done', true);
    for (const work of [...this.#held.values()]) {
      const { task } = work;
      const isWanted = work.state === 'received' || work.state === 'running' || work.cause !== 'revoked';
      actions.push(...this.#answer(task, isWanted ? unfinished(task.lease, 'failed', 0, error) : null));
      if (work.state === 'received') continue;
      this.#held.set({ state: 'terminating', task, cause: 'abandoned' });
      actions.push({ type: 'abort', task, cause: 'abandoned' }, { type: 'terminate', task });
    }
    this.#waiting.length = 0;
    return actions;
  }

  #tick(now: number): WorkAction[] {
    const actions: WorkAction[] = [];
    this.#nextDeadline = Infinity;
    for (const work of [...this.#held.values()]) {
      if (work.state === 'running') {
        if (work.abortAt <= now) actions.push(...this.#unwant(work, 'deadline', now));
        else this.#wakeBy(work.abortAt);
      } else if (work.state === 'aborting') {
        if (work.terminateAt <= now) {
          const { task, cause } = work;
          this.#held.set({ state: 'terminating', task, cause });
          actions.push({ type: 'terminate', task });
        } else this.#wakeBy(work.terminateAt);
      }
    }
    for (const [taskId, resendAt] of this.#resendAt) {
      if (resendAt > now) this.#wakeBy(resendAt);
      else {
        this.#resendAt.delete(taskId);
        const answer = this.#outbox.get(taskId);
        if (answer !== null) actions.push({ type: 'answer', origin: null, answer });
      }
    }
    return actions;
  }

  #wakeBy(at: number): void {
    this.#nextDeadline = Math.min(this.#nextDeadline, at);
  }

  /** By this lease or by a newer one of its task. */
  #isAnswered(lease: Lease): boolean {
    const answer = this.#outbox.get(lease.taskId);
    return answer !== null && answer.lease.epoch >= lease.epoch;
  }
}
