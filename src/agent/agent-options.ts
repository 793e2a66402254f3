import type { Clock } from '../observe/clock.js';
import type { Log } from '../observe/log.js';
import type { ProcessFacts } from '../observe/process-load.js';
import type { AgentType } from '../protocol/messages.js';
import type { TransportConnector } from '../transport/transport.js';
import type { RecycleLimits } from '../protocol/limits.js';
import type { LogLevel, MessageOf } from '../protocol/messages.js';
import type { Outbox } from './outbox.js';
import type { ReasonerOptions } from './reasoner.js';
import type { TaskRunner } from './runner.js';
import type { AgentState } from './state/agent-state.js';

/** Of an agent: where coordinators are, who it is, what runs its tasks. */
export interface AgentOptions {
  /** Unique among the agents of a coordinator: 1 to 128 of letters, digits and `._:@-`. */
  readonly agentId: string;
  readonly agentType: AgentType;
  /** Tasks at once: the credit it gives to the coordinator. 1 to 4096. */
  readonly concurrency: number;
  /** `HOST:PORT` of the coordinators to try, in this order. */
  readonly addresses: readonly string[];
  /** With a ticket and early data, a resuming agent is registered after one round trip. */
  readonly connector: TransportConnector;
  /** What runs the tasks. Agents of one process may share one; whoever made it closes it. */
  readonly runner: TaskRunner;
  /** Kinds of task it takes. Default: those of its type and those that the runner has beside. */
  readonly kinds?: readonly string[];
  /** For an agent of type `reasoning`: how it judges and draws lessons, where it is not to be as built in. */
  readonly reasoning?: ReasonerOptions;
  /** A function is asked at each handshake. */
  readonly joinToken?: string | (() => string);
  /** Name and version of the program, for the coordinator's log. */
  readonly software?: string;
  /** Milliseconds; default 100. */
  readonly reconnectMinMs?: number;
  /** Milliseconds; default 30,000. */
  readonly reconnectMaxMs?: number;
  /** From the abort of a task to its end by force. Milliseconds; default 2,000. */
  readonly abortGraceMs?: number;
  /**
   * Session and unacknowledged results on disk: after a crash the agent resumes with them. Whoever opened it closes it,
   * once the agent has stopped. Default: in memory.
   */
  readonly state?: AgentState;
  /** Instead of the one of `state`. */
  readonly outbox?: Outbox;
  /** No credit is given while unacknowledged results hold more. Bytes; default 256 MiB. */
  readonly maxOutboxBytes?: number;
  /** When to hand over to a new connection. Default 50,000 streams or 4 GiB. */
  readonly recycle?: RecycleLimits;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Load and memory for heartbeats. */
  readonly facts?: () => ProcessFacts;
  readonly log?: Log;
}

/** Why an agent stopped. */
export interface StopInfo {
  /** One line for people. */
  readonly reason: string;
  /** Refused in a way that trying again cannot mend; a command exits with status 4. */
  readonly permanent: boolean;
}

/** What an agent emits. */
export interface AgentEvents {
  registered: [{ coordinatorId: string; address: string; resumed: boolean }];
  /** The connection was used up and is replaced; nothing was interrupted. */
  recycled: [];
  disconnected: [];
  adaptation: [MessageOf<'AdaptationCommand'>];
  /** An operator wants this process to log from another level on. */
  logLevel: [LogLevel];
  stopped: [StopInfo];
}
