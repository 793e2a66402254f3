import { ProtocolError } from '../protocol/errors.js';
import { ALIVE_INTERVALS, provesSession, type Session } from './sessions.js';

/**
 * The sessions, one for each agent id, and the rule for a second agent of the same id:
 *
 * 1. A handshake with the session's valid token is the agent itself, back: it resumes the session, and a connection
 *    the session still has is closed with SESSION_REPLACED. A token is valid under the certificate it was given to.
 * 2. Without it, while the session has a connection that was heard within 1.5 heartbeat intervals, the handshake is
 *    refused with AGENT_ID_IN_USE and the time after which it may succeed: an impostor or a misconfigured twin never
 *    pushes a living agent out.
 * 3. Without it, when the session is silent, suspect or disconnected, the newcomer takes the id over: an agent that
 *    lost its state (a new machine under an old name) is not locked out. What the old session held is requeued at once.
 */
export class Registry {
  readonly #sessions = new Map<string, Session>();
  readonly #maxAgents: number;
  readonly #heartbeatIntervalMs: number;

  constructor(maxAgents: number, heartbeatIntervalMs: number) {
    this.#maxAgents = maxAgents;
    this.#heartbeatIntervalMs = heartbeatIntervalMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(agentId: string): Session | undefined {
    return this.#sessions.get(agentId);
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  add(session: Session): void {
    this.#sessions.set(session.agentId, session);
  }

  remove(session: Session): void {
    if (this.#sessions.get(session.agentId) === session) this.#sessions.delete(session.agentId);
  }

  /** What a handshake leads to. */
  judge(entry: EntryRequest, now: number): EntryVerdict {
    const session = this.#sessions.get(entry.agentId);
    if (session === undefined) {
      if (this.#sessions.size < this.#maxAgents) return { entry: 'new' };
      const message = `the coordinator has all the agents it takes (${this.#maxAgents}): raise --max-agents`;
      return { entry: 'refused', error: new ProtocolError('TOO_MANY_AGENTS', message, handshake) };
    }
    if (provesSession(session, entry.tokenHash, entry.certificate)) return { entry: 'resume', session };
    const aliveUntil = session.lastHeardAt + ALIVE_INTERVALS * this.#heartbeatIntervalMs;
    const hasConnection = session.phase.state !== 'disconnected' && session.phase.state !== 'suspect';
    if (!hasConnection || aliveUntil <= now) return { entry: 'take-over', session };
    const message = `an agent with the id '${entry.agentId}' is connected from ${session.identity.address}: give each agent its own --id`;
    const context = { ...handshake, field: '/agentId', retryAfterMs: aliveUntil - now };
    return { entry: 'refused', error: new ProtocolError('AGENT_ID_IN_USE', message, context) };
  }
}

const handshake = { messageType: 'AgentHandshake' };

export interface EntryRequest {
  readonly agentId: string;
  /** Hash of the presented session token, or null without one. */
  readonly tokenHash: string | null;
  readonly certificate: string | null;
}

export type EntryVerdict =
  | { readonly entry: 'new' }
  | { readonly entry: 'resume'; readonly session: Session }
  | { readonly entry: 'take-over'; readonly session: Session }
  | { readonly entry: 'refused'; readonly error: ProtocolError };
