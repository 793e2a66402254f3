import type { ErrorName, ProtocolError } from '../../protocol/errors.js';
import type { LogLevel, Message, StreamPurpose, TaskState } from '../../protocol/messages.js';
import type { Role } from '../../protocol/roles.js';
import type { ListedTask, StoredTask } from '../../store/records.js';
import type { StoreOp, StoreOutcome, TaskFilter } from '../../store/store.js';
import type { Context } from '../../reasoning/experience.js';
import type { PatternCounts, NearPattern } from '../../reasoning/patterns/pattern-store.js';
import type { Pattern, PatternOutcome } from '../../reasoning/patterns/pattern.js';
import type { AgeingRule } from './tasks/ready-queue.js';
import type { CacheRule } from './tasks/task-book.js';
import type { RoutingPolicy } from './tasks/routing.js';

/**
 * What the core and its shell say to each other. The shell owns sockets, clock, store and random source; it tells the
 * core what happened and carries out what the core answers, in the order of the answer.
 */

/**
 * What happened. The shell passes each with the current time (never going backwards).
 * After `connectionOpened`, `established`, `laneOpened`, `message`, `heard`, `connectionLost`, `protocolError`, `found`,
 * `listed`, `patternsFound` and `nonceChecked` it sends `flush` before its turn of the event loop ends: dispatch and commits happen there,
 * for all that came in the turn. The other events flush by themselves.
 */
export type CoreEvent =
  | {
      readonly type: 'connectionOpened';
      /** Unique for the life of the process: never used for another connection. */
      readonly connectionId: string;
      /** HOST:PORT */
      readonly address: string;
      /** SHA-256 fingerprint of the client certificate; null when it has none, or none is known yet. */
      readonly certificate: string | null;
      /** Its first stream came as 0-RTT data, before the TLS handshake is complete: `established` follows when it is. */
      readonly early?: boolean;
      /** It is of this process itself: a client from the start, without a handshake, that no count of clients includes. */
      readonly local?: boolean;
    }
  /**
   * The TLS handshake of a connection that was opened `early` is complete: a living peer is there. Sent once, before the
   * first message that is not early. `certificate`: as it is known now. Means nothing for other connections.
   */
  | { readonly type: 'established'; readonly connectionId: string; readonly certificate: string | null }
  /**
   * The agent has opened a lane (StreamOpen), which it does only once it has its AgentAck, and has the session token of
   * that on disk: the token before is worth nothing from now on. Without this event the first message shows the same.
   */
  | { readonly type: 'laneOpened'; readonly connectionId: string }
  /** A decoded message. `payload`: its opaque bytes, owned by the core from now on (a copy of its own, not a view into a shared buffer). */
  | {
      readonly type: 'message';
      readonly connectionId: string;
      readonly message: Message;
      readonly payload?: Uint8Array | undefined;
      /** It came in 0-RTT data, before the handshake was complete: anybody who recorded it may have sent it. */
      readonly early?: boolean;
    }
  /** A packet arrived on the connection. Optional: each message counts as well, and `heardAt` is asked when it matters. */
  | { readonly type: 'heard'; readonly connectionId: string }
  /** The connection is over. `clean`: the peer closed it with NO_ERROR. The answer to a `close` action too. */
  | {
      readonly type: 'connectionLost';
      readonly connectionId: string;
      readonly clean: boolean;
      readonly reason: string;
    }
  /** The decoder refused something the peer sent. */
  | { readonly type: 'protocolError'; readonly connectionId: string; readonly error: ProtocolError }
  /** The commit is durable; one outcome for each operation, in order. */
  | { readonly type: 'committed'; readonly commitId: number; readonly outcomes: readonly StoreOutcome[] }
  /** Nothing of the commit has happened. */
  | { readonly type: 'commitFailed'; readonly commitId: number; readonly reason: string }
  /** Answers `lookup`; null when the store has no such task or cannot be read. */
  | { readonly type: 'found'; readonly lookupId: number; readonly task: StoredTask | null }
  /** Answers `list`; null when the store cannot be read. */
  | { readonly type: 'listed'; readonly lookupId: number; readonly tasks: readonly ListedTask[] | null }
  /** Answers `readInputs`, in its order; null when the store cannot be read now. */
  | {
      readonly type: 'inputsRead';
      readonly readId: number;
      readonly inputs: readonly (Uint8Array | null)[] | null;
    }
  /** Answers `readTraining`; null when the store cannot be read now. `input` and `checkpoint`: null where there is none. */
  | {
      readonly type: 'trainingRead';
      readonly taskId: string;
      readonly found: { readonly input: Uint8Array | null; readonly checkpoint: Uint8Array | null } | null;
    }
  /** Answers `readStates`, in its order; a null for a task that is not kept, null when the store cannot be read now. */
  | {
      readonly type: 'statesRead';
      readonly readId: number;
      readonly found: {
        readonly states: readonly (TaskState | null)[];
        /** The task that holds the key; null also when none was asked about. */
        readonly keyHolder: string | null;
      } | null;
    }
  /** Answers `readResults`, in its order; a null for a result that is not kept, null when the store cannot be read now. */
  | {
      readonly type: 'resultsRead';
      readonly readId: number;
      readonly found: {
        readonly input: Uint8Array | null;
        readonly results: readonly (Uint8Array | null)[];
      } | null;
    }
  /** Answers `findPatterns`. */
  | { readonly type: 'patternsFound'; readonly lookupId: number; readonly found: FoundPatterns }
  /**
   * Answers `consumeNonce`. `fresh`: it was never seen before, and is used up durably now. Not fresh when the store
   * cannot say or cannot keep it.
   */
  | { readonly type: 'nonceChecked'; readonly connectionId: string; readonly fresh: boolean }
  /** End of a turn of the event loop. */
  | { readonly type: 'flush' }
  /** `nextDeadline()` has come. Early or late ones do no harm. */
  | { readonly type: 'tick' }
  /** Take no new work; `drained` follows when the running work has ended, at the latest after `deadlineMs`. */
  | { readonly type: 'drain'; readonly deadlineMs: number; readonly reason: string };

/** What the shell is to do. */
export type Action =
  | {
      readonly type: 'send';
      readonly connectionId: string;
      /** Which stream: control, or the task lane of the task's priority. */
      readonly lane: StreamPurpose;
      readonly message: Message;
      readonly payload?: Uint8Array;
    }
  /** Close after what was sent before has left. The core has forgotten the connection already. */
  | {
      readonly type: 'close';
      readonly connectionId: string;
      readonly error: ErrorName;
      readonly reason: string;
    }
  /**
   * Commit to the store and answer with `committed` or `commitFailed`. There is never more than one under way: what
   * happens meanwhile goes into the next. The core itself holds back what may be said only afterwards.
   */
  | { readonly type: 'commit'; readonly commitId: number; readonly ops: readonly StoreOp[] }
  /** Read one task from the store and answer with `found`. */
  | { readonly type: 'lookup'; readonly lookupId: number; readonly taskId: string }
  /** Read tasks from the store and answer with `listed`. */
  | { readonly type: 'list'; readonly lookupId: number; readonly filter: TaskFilter }
  /** Read inputs that are not in memory from the store and answer with `inputsRead`. At most one is under way. */
  | { readonly type: 'readInputs'; readonly readId: number; readonly taskIds: readonly string[] }
  /** Read the input and the checkpoint of a training from the store and answer with `trainingRead`. */
  | { readonly type: 'readTraining'; readonly taskId: string }
  /** Read the states of tasks that others need, and which task holds a key, from the store and answer with `statesRead`. */
  | {
      readonly type: 'readStates';
      readonly readId: number;
      readonly taskIds: readonly string[];
      readonly key: { readonly idempotencyKey: string; readonly at: number } | null;
    }
  /** Read the input of a task, and the results that are put into it, from the store and answer with `resultsRead`. */
  | {
      readonly type: 'readResults';
      readonly readId: number;
      readonly taskId: string;
      readonly resultsOf: readonly string[];
    }
  /** Keep a pattern, as well as can be; no answer. */
  | { readonly type: 'keepPattern'; readonly pattern: Pattern }
  /** What came of a pattern, if it is kept; no answer. */
  | { readonly type: 'patternOutcome'; readonly taskId: string; readonly outcome: PatternOutcome }
  /** Find the `count` patterns most like one and answer with `patternsFound`. */
  | {
      readonly type: 'findPatterns';
      readonly lookupId: number;
      readonly like: PatternQuestion;
      readonly count: number;
    }
  /**
   * Use up the nonce of a handshake in early data and answer with `nonceChecked`. It is to be remembered as long as a
   * ticket that brings early data is accepted. At most one is under way for each connection.
   */
  | { readonly type: 'consumeNonce'; readonly connectionId: string; readonly nonce: string }
  /**
   * Stop, or go on, reading what clients send: more waits for the store than is to be held in memory. Holds for every
   * client, those to come as well, until the other is said.
   */
  | { readonly type: 'intake'; readonly open: boolean }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly msg: string;
      readonly fields: Readonly<Record<string, string | number | boolean | null>>;
    }
  /** An operator, by its name, wants this process to log from another level on. */
  | { readonly type: 'logLevel'; readonly level: LogLevel; readonly by: string }
  /** A client wants the coordinator to stop: drain, and be gone. `timeoutMs` null: as long as the shell sees fit. */
  | { readonly type: 'stop'; readonly timeoutMs: number | null }
  /** The drain is over. `remaining`: leases that did not end in time; they stay in the store and are taken up after a restart. */
  | { readonly type: 'drained'; readonly remaining: number };

/** Like what: a shape; the pattern of a task, which is not among those found; null: nothing, only the counts are wanted. */
export type PatternQuestion = { readonly vector: Float32Array } | { readonly taskId: string } | null;

export type FoundPatterns =
  | {
      readonly state: 'found';
      readonly store: string;
      readonly counts: PatternCounts;
      readonly similar: readonly NearPattern[];
    }
  /** No pattern of that task is kept. */
  | { readonly state: 'unknown' }
  /** This coordinator keeps none. */
  | { readonly state: 'off' }
  | { readonly state: 'unavailable'; readonly reason: string };

/** Whether a task may enter. */
export type Admission =
  | {
      readonly ok: true;
      /** Circumstances to learn by; absent for kinds that have none. */
      readonly context?: Context;
      /** The shape to remember with what comes of it (`shapeOf`); absent where there is none, or none is kept. */
      readonly pattern?: { readonly vector: Float32Array; readonly points: number };
    }
  | {
      readonly ok: false;
      readonly name: 'BAD_INPUT' | 'UNKNOWN_KIND';
      readonly message: string;
      /** Where in the input; absent for an unknown kind. */
      readonly field?: string;
    };

/** What only the shell knows, asked when a report is made. */
export interface ProcessFacts {
  /** Name and version of the software. */
  readonly version: string;
  readonly memoryBytes: number;
  /** Processor load of this process, 0 to 1. */
  readonly load: number;
  /** Datagrams dropped by the transport, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** What the core asks its surroundings. All synchronous; none may call back into the core. */
export interface CorePorts {
  readonly random: {
    /** A new session token: at least 128 bits from a cryptographic source, at most 256 characters. */
    token(): string;
    /** A new task id: UUID version 7 for this time. */
    taskId(now: number): string;
    /** Uniform in [0, 1). */
    fraction(): number;
  };
  /** Compares in constant time; true for anything when no token is wanted. */
  checkJoinToken(token: string | undefined): boolean;
  /** What the peer of a connection, with a token that `checkJoinToken` takes, may be; everything when missing. */
  rolesOf?(connectionId: string, token: string | undefined): readonly Role[];
  /** Validates an input of a built-in kind. UNKNOWN_KIND is overruled when a known agent offers the kind. */
  admit(kind: string, payload: Uint8Array): Admission;
  facts(): ProcessFacts;
  /** Lines of level debug are written now; when missing, they are not. */
  logsDebug?(): boolean;
  /** Smoothed round-trip time of a connection, or null when it is not known. */
  rttMs(connectionId: string): number | null;
  /** When a packet last arrived on a connection, on the clock of the events; null when it is not known. */
  heardAt(connectionId: string): number | null;
}

/** Times in milliseconds. */
export interface CoreOptions {
  readonly coordinatorId: string;
  /** Kinds that `admit` knows. */
  readonly builtInKinds: readonly string[];
  readonly heartbeatIntervalMs: number;
  /** How long the leases of a lost connection wait for their agent. */
  readonly sessionGraceMs: number;
  readonly handshakeTimeoutMs: number;
  /** For one attempt, when the submit names none. */
  readonly taskTimeoutMs: number;
  /** How long an agent that was told to stop a task may take before its credit counts as free. */
  readonly stopGraceMs: number;
  readonly maxAgents: number;
  /** Clients may stop the coordinator (`stop`). */
  readonly clientsMayStop: boolean;
  /** Operators may change what it logs (`logLevel`). */
  readonly logLevelMayChange: boolean;
  /** Tasks that wait (queued, delayed, retrying) at once. */
  readonly maxQueue: number;
  /** Bytes of the inputs of all unfinished tasks. */
  readonly maxQueueBytes: number;
  readonly maxMessageBytes: number;
  readonly ownStreamThresholdBytes: number;
  /** Backoff before attempt n+1: uniform in [d/2, d] with d = min(maxMs, baseMs × 2^(n-1)). */
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  /** How long the commit of a watched submit may wait for the result of its quick task, to share a commit; 0: not at all. */
  readonly commitHoldMs: number;
  /**
   * Changes from which on a commit takes in no further turn of the event loop; on a disk that is slow to sync, a multiple
   * of it. Settling it is one turn, which must not hold up heartbeats; with a few hundred the cost of the commit itself
   * vanishes among them.
   */
  readonly fullCommitEntries: number;
  /** Pause after a failed commit. */
  readonly storeRetryMs: number;
  readonly ageing: AgeingRule;
  /** Finished tasks that stay in memory, for quick answers. The store keeps them by its own rule. */
  readonly cache: CacheRule;
  readonly routing: RoutingPolicy;
  /** How long an idempotency key leads to the same task, from its submit. An unfinished task holds its key anyhow. */
  readonly idempotencyWindowMs: number;
  /** Inputs of waiting tasks kept in memory, in bytes; beyond it they are read from the store when their turn is near. */
  readonly inputCacheBytes: number;
  /** Bytes that wait for the store above which clients are no longer read (`intake`). */
  readonly maxBacklogBytes: number;
  /** Bounds for tasks of one kind, over all agents. */
  readonly kindLimits: ReadonlyMap<string, KindLimit>;
  /** Handshakes of agents accepted: `burst` at once, then `perSecond`. Others are told when to come back. */
  readonly agentAdmission: { readonly perSecond: number; readonly burst: number };
  /** Requests of one client identity (certificate, else host) a second, after a burst of as many; null: no bound. */
  readonly clientRate: number | null;
  /** An agent that has a lease, or credit while tasks of its kinds wait, and ends nothing for this long, is said to stall. */
  readonly stallMs: number;
}

/** A bound for one kind of task. */
export interface KindLimit {
  /** Leases at once; null: no bound. */
  readonly concurrency: number | null;
  /** Leases started in a second, evenly spread (token bucket with a burst of one second's worth, at least 1); null: no bound. */
  readonly perSecond: number | null;
}
