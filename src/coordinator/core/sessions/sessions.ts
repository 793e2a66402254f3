import { createHash } from 'node:crypto';
import { LinkedList } from '../../../collections/linked-list.js';
import type { AgentSummary, AgentType, Lease } from '../../../protocol/messages.js';
import type { SessionRecord } from '../../../store/records.js';
import type { Due } from '../due.js';
import type { Tally } from '../reasoning/tally.js';
import type { AgentSlot } from '../tasks/scheduler.js';
import type { Task } from '../tasks/task.js';
import { Timer } from '../timers.js';
import type { Shard } from '../training/trainings.js';

/**
 * Where an agent's session stands:
 *
 *     joining ──stored──▶ (early ──established──▶) connected ◀──a message── suspect
 *                                                   │   └──no message─────────▲ │
 *                                                   │ DrainNotice               │ no packet, connection lost
 *                                                   ▼                           ▼
 *                                                draining                  disconnected ──grace over──▶ (ended)
 *
 * A connection that is lost leads from every state to disconnected; from draining, or when the agent closed it
 * cleanly, the session ends at once. Only a connected session gets tasks. An agent that is suspect while its packets
 * still arrive is slow, not dead: it stays suspect, and keeps what it has.
 */
export type SessionPhase =
  /** The handshake is accepted; AgentAck waits for the session to be stored, and will tell the agent to abort these. */
  | { readonly state: 'joining'; readonly connectionId: string; readonly abortedTasks: Lease[] }
  /** It resumed in early data and AgentAck is sent, but whether there is a living peer shows only when the TLS handshake is complete. */
  | { readonly state: 'early'; readonly connectionId: string }
  | { readonly state: 'connected'; readonly connectionId: string }
  /** No message came for two heartbeat intervals. */
  | { readonly state: 'suspect'; readonly connectionId: string }
  /** The agent takes no new tasks. */
  | { readonly state: 'draining'; readonly connectionId: string }
  /** Its leases wait for it until then. */
  | { readonly state: 'disconnected'; readonly graceUntil: number };

/** Who an agent is and how it proves it. */
export interface SessionIdentity {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly kinds: readonly string[];
  /** HOST:PORT of its latest connection. */
  readonly address: string;
  /** Fingerprint of its client certificate, or null. */
  readonly certificate: string | null;
  readonly tokenHash: string;
  /** Still good, because nothing shows yet that the agent has the new one. */
  readonly previousTokenHash: string | null;
}

/** One agent as the coordinator knows it. Lives from its first handshake until a goodbye or the end of the grace. */
export class Session {
  readonly agentId: string;
  /** When its last message came. */
  lastHeardAt: number;
  /** When its last packet came, as far as it is known: see `lastArrival`. */
  lastPacketAt: number;
  /** When it last ended a lease or reported progress, or joined. */
  lastEndedAt: number;
  /** Found at the latest look: it has had credit since then, tasks of its kinds wait, and it holds none. */
  unusedSince: number | null = null;
  /** Since when it ends nothing, if that was found to be too long. */
  stalledSince: number | null = null;
  memoryBytes = 0;
  completed = 0;
  failed = 0;
  /** Of the coordinator's next heartbeat on this connection. */
  heartbeatSequence = 1;
  /** All and only the tasks it has a lease on, in the order in which they were given. */
  readonly leases = new LinkedList<Task>();
  /** All and only the pieces of trainings that it has. */
  readonly shards = new Set<Shard>();
  /** Leases it was told to stop and has not answered for, by `leaseKey`. Each still takes one credit. */
  readonly stopping = new Map<string, Timer<Due>>();
  /** What it has ended and nobody has counted yet, by kind. */
  readonly tallies = new Map<string, Tally>();
  /** Judges silence while connected, ends the grace while disconnected. */
  readonly timer: Timer<Due> = new Timer({ kind: 'session', session: this });
  readonly heartbeatTimer: Timer<Due> = new Timer({ kind: 'heartbeat', session: this });
  readonly stallTimer: Timer<Due> = new Timer({ kind: 'stall', session: this });

  constructor(
    public identity: SessionIdentity,
    public phase: SessionPhase,
    readonly slot: AgentSlot,
    readonly startedAt: number,
    now: number,
  ) {
    this.agentId = identity.agentId;
    this.lastHeardAt = now;
    this.lastPacketAt = now;
    this.lastEndedAt = now;
  }
}

/** The state of a session as clients see it. */
export function shownState({ phase }: Session): AgentSummary['state'] {
  return phase.state === 'joining' || phase.state === 'early' ? 'connected' : phase.state;
}

/** The session's connection, or null while it has none. */
export function connectionOf(session: Session): string | null {
  return session.phase.state === 'disconnected' ? null : session.phase.connectionId;
}

/** Names one lease of one task. */
export function leaseKey(lease: { readonly taskId: string; readonly epoch: number }): string {
  return `${lease.taskId}/${lease.epoch}`;
}

/**
 * What is kept of a session token. Plain SHA-256 is enough: a token is random, not a password; and a hash may be
 * compared with `===`, since what its timing betrays is a prefix of the hash, not of the token.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Whether a token, by its hash, proves this session: the right one, and under the certificate it was given to. */
export function provesSession(
  session: Session,
  tokenHash: string | null,
  certificate: string | null,
): boolean {
  const { identity } = session;
  if (tokenHash === null || certificate !== identity.certificate) return false;
  return tokenHash === identity.tokenHash || tokenHash === identity.previousTokenHash;
}

/** Whether a token, by its hash, is the latest one given to this session's agent. */
export function provesCurrentToken(session: Session, tokenHash: string): boolean {
  return tokenHash === session.identity.tokenHash;
}

/** Silence by heartbeat intervals: without messages for two the session is suspect, without packets for four its connection is given up. */
export const SUSPECT_INTERVALS = 2;
export const GIVE_UP_INTERVALS = 4;
/** Heard within this many intervals, a session is alive, and a stranger with its agent id is refused. */
export const ALIVE_INTERVALS = 1.5;

/** What of it survives the process. */
export function recordOf(session: Session): SessionRecord {
  const { agentId, agentType, kinds, tokenHash, previousTokenHash, certificate } = session.identity;
  const { startedAt, slot } = session;
  return {
    agentId,
    agentType,
    kinds,
    concurrency: slot.credit,
    tokenHash,
    previousTokenHash,
    certificate,
    startedAt,
  };
}
