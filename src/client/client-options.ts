import type { TaskSummary } from '../protocol/messages.js';
import type { SessionOptions } from './session.js';
import type { TaskOutcome } from './task.js';

/** Of a client: where coordinators are, and how long to try. */
export interface ClientOptions extends SessionOptions {
  /** Over all addresses. Milliseconds; default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long to try for a new connection when one is lost while requests are open. Watched tasks, questions, and submits
   * with an idempotency key then go on as if nothing had happened. Milliseconds; default 30,000; 0: never; Infinity: for
   * as long as it takes.
   */
  readonly reattachTimeoutMs?: number;
  /**
   * The coordinator refuses what comes faster than its --client-rate. The client waits as long as it is told and asks
   * again, whatever it was, since nothing was done. So it goes on, at the rate allowed, until nothing gets through for this
   * long. Milliseconds; default 30,000; 0: a refused request rejects at once.
   */
  readonly slowdownTimeoutMs?: number;
  /** Submits sent and not yet acknowledged, at most; further ones wait. Default 1,024. */
  readonly maxUnacknowledged?: number;
  /**
   * Give each submit that has no idempotency key one of its own, so that it may be sent again when the connection is lost
   * before its answer came. Default false: the coordinator keeps each key for a while (--idempotency-window), and a submit that loses its
   * connection rejects although its task may have been stored.
   */
  readonly ownKeys?: boolean;
}

/** Of one submit. */
export interface SubmitOptions {
  /** Aborted before the task is accepted: the submit rejects with the signal's reason, and a task already sent is cancelled. */
  readonly signal?: AbortSignal;
  /** Have the outcome sent as soon as it is there (default). False saves that when nobody will ask. */
  readonly watch?: boolean;
}

/** Of waiting for the end of a task. */
export interface WatchOptions {
  /** Aborted: stops waiting; the task goes on. */
  readonly signal?: AbortSignal;
  /** Called with each state that the coordinator tells on the way. */
  readonly onUpdate?: (task: TaskSummary) => void;
}

/** A task that the coordinator has stored. */
export interface SubmittedTask {
  readonly taskId: string;
  /** How it ended. Rejects with CoordinatorUnreachable when the connection is lost for good. */
  result(): Promise<TaskOutcome>;
}
