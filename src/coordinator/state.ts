import { errorReport, type ProtocolError } from '../protocol/errors.js';
import type { Message, StreamPurpose } from '../protocol/messages.js';
import { CommitLog } from './commit-log.js';
import type { Connection } from './connections.js';
import type { Action, CoreOptions, CorePorts } from './contract.js';
import type { Due } from './due.js';
import { ReadyQueue } from './ready-queue.js';
import { Registry } from './registry.js';
import { Scheduler } from './scheduler.js';
import { TaskBook } from './task-book.js';
import { Timer, TimerHeap } from './timers.js';

/** Counted since the start; the shell may read them at any time. */
export interface Counters {
  submitted: number;
  leased: number;
  /** Attempts that failed and are to be repeated after a backoff. */
  retried: number;
  /** Leases taken back because their agent was lost. */
  requeued: number;
  timedOut: number;
  /** Results refused because their lease was over. */
  staleResults: number;
  /** Messages refused: undecodable, unexpected or with an error. */
  protocolErrors: number;
  failedCommits: number;
  /** Operations the store refused: another coordinator was faster. */
  storeConflicts: number;
}

/** Whether work is taken. */
export type Operation =
  | { readonly state: 'running' }
  | { readonly state: 'draining'; readonly timer: Timer<Due> }
  | { readonly state: 'drained' };

/** A question to the store on behalf of a client. */
export interface Lookup {
  readonly connectionId: string;
  readonly requestId: number;
  readonly taskId: string;
}

/** Everything the core knows, and the actions of the event at hand. The modules around it are functions over it. */
export class CoreState {
  readonly tasks: TaskBook;
  readonly ready: ReadyQueue;
  readonly scheduler: Scheduler;
  readonly registry: Registry;
  readonly timers = new TimerHeap<Due>();
  readonly commits = new CommitLog();
  readonly connections = new Map<string, Connection>();
  readonly lookups = new Map<number, Lookup>();
  readonly retentionTimer = new Timer<Due>({ kind: 'retention' });
  /** Runs after a failed commit; while it does, nothing is committed, dispatched or accepted. */
  readonly storeRetryTimer = new Timer<Due>({ kind: 'store-retry' });
  readonly counters: Counters = {
    submitted: 0,
    leased: 0,
    retried: 0,
    requeued: 0,
    timedOut: 0,
    staleResults: 0,
    protocolErrors: 0,
    failedCommits: 0,
    storeConflicts: 0,
  };
  operation: Operation = { state: 'running' };
  nextLookupId = 1;
  #actions: Action[] = [];

  constructor(
    readonly options: CoreOptions,
    readonly ports: CorePorts,
    readonly startedAt: number,
  ) {
    this.tasks = new TaskBook(options.retention);
    this.ready = new ReadyQueue(options.ageing);
    this.scheduler = new Scheduler(options.routing);
    this.registry = new Registry(options.maxAgents, options.heartbeatIntervalMs);
  }

  get storeIsDown(): boolean {
    return this.storeRetryTimer.index !== -1;
  }

  act(action: Action): void {
    this.#actions.push(action);
  }

  /** Hands the collected actions over. */
  takeActions(): readonly Action[] {
    if (this.#actions.length === 0) return NO_ACTIONS;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Sends to a connection; nothing when it is gone. */
  send(connectionId: string, message: Message, payload?: Uint8Array, lane: StreamPurpose = 'control'): void {
    if (!this.connections.has(connectionId)) return;
    if (payload === undefined) this.act({ type: 'send', connectionId, lane, message });
    else this.act({ type: 'send', connectionId, lane, message, payload });
  }

  sendError(connectionId: string, error: ProtocolError): void {
    this.send(connectionId, errorReport(error));
  }

  log(
    level: 'debug' | 'info' | 'warn' | 'error',
    msg: string,
    fields: Readonly<Record<string, string | number | boolean | null>>,
  ): void {
    this.act({ type: 'log', level, msg, fields });
  }
}

const NO_ACTIONS: readonly Action[] = [];
