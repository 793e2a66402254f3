import type { AgentType, FinishedState, UnfinishedState } from '../../protocol/messages.js';
import type { Buckets } from './buckets.js';

/** What a process counts, as it stands at one moment. Counters go up from the start of the process. */

/** Tasks of one kind. Times in milliseconds. */
export interface KindFigures {
  readonly kind: string;
  /** Tasks in each unfinished state now. */
  readonly now: Readonly<Record<UnfinishedState, number>>;
  /** Tasks that ended so. */
  readonly ended: Readonly<Record<FinishedState, number>>;
  readonly submitted: number;
  /** Attempts started. */
  readonly leased: number;
  /** From ready to the first lease. */
  readonly queue: Buckets;
  /** Time of the handler on the agent, of completed attempts. */
  readonly run: Buckets;
  /** From the lease to the arrival of the result. */
  readonly roundTrip: Buckets;
}

/** Tasks of one kind and priority that wait for an agent. */
export interface ReadyFigures {
  readonly kind: string;
  readonly priority: number;
  readonly depth: number;
  /** How long the one that is first has been ready. Milliseconds. */
  readonly oldestMs: number;
}

/** Messages, and the bytes of their frames. */
export interface TrafficFigures {
  readonly messages: number;
  readonly bytes: number;
}

/** Messages by type. */
export interface MessageFigures {
  readonly type: string;
  readonly received: TrafficFigures;
  readonly sent: TrafficFigures;
}

/** All connections together; totals include those that have ended. */
export interface ConnectionFigures {
  readonly open: number;
  readonly streamsOpen: number;
  readonly streamsOpened: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly bytesLost: number;
  /** Ended or open, that resumed a TLS session; that brought early data. */
  readonly resumed: number;
  readonly earlyData: number;
  /** Of the open ones, in rising order. */
  readonly rttMs: readonly number[];
  readonly congestionWindowBytes: readonly number[];
}

/** What the ReasoningBank has learnt from, and with what success. */
export interface ReasoningFigures {
  /** Experiences since the bank began, and those that were repeated, not judged, or of no forecast it knows. */
  readonly experiences: number;
  readonly repeated: number;
  readonly unjudged: number;
  readonly unmatched: number;
  readonly pendingForecasts: number;
  readonly memories: number;
  /** The latest verdicts by their sign. */
  readonly verdicts: Readonly<Record<'positive' | 'neutral' | 'negative', number>>;
  /** The latest adaptations that ended, by how. */
  readonly adaptations: Readonly<Record<string, number>>;
}

/** All that a coordinator counts and measures, at one moment. */
export interface CoordinatorFigures {
  readonly agents: readonly {
    readonly type: AgentType;
    readonly state: 'connected' | 'suspect' | 'disconnected' | 'draining';
    readonly count: number;
  }[];
  readonly clients: number;
  readonly draining: boolean;
  readonly kinds: readonly KindFigures[];
  readonly ready: readonly ReadyFigures[];
  /** Events by name, in camel case, from a fixed set. */
  readonly counters: Readonly<Record<string, number>>;
  readonly commits: { readonly durations: Buckets; readonly operations: number; readonly failed: number };
  readonly storeUp: boolean;
  readonly queueBytes: number;
  readonly eventSubscribers: number;
  readonly reasoning: ReasoningFigures;
  readonly messages: readonly MessageFigures[];
  readonly connections: ConnectionFigures;
  /** Datagrams dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}
