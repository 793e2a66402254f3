import { ProtocolError } from '../../../protocol/errors.js';
import { ALIVE_INTERVALS, provesSession, type Session } from './sessions.js';

/**
 * The sessions, one for each agent id, and the rule for who may have it:
 *
 * 1. A handshake with the session's valid token is the agent itself, back: it resumes the session, and a connection
 *    the session still has is closed with SESSION_REPLACED. A token is valid under the certificate it was given to.
 * 2. A token that proves nothing is refused with SESSION_UNKNOWN, whatever else holds: it is old (the agent has been
 *    heard with a newer one: this is a copy of its files, or a thief), of a session that has ended, or of data that the
 *    coordinator has lost. It never quietly becomes a new session. An honest agent comes back without it.
 * 3. Without a token, while the session has a connection on which something arrived within 1.5 heartbeat intervals, the
 *    handshake is refused with AGENT_ID_IN_USE and the time after which it may succeed: an impostor or a misconfigured
 *    twin never pushes a living agent out.
 * 4. Without a token, when the session is silent, suspect without packets, or disconnected, the newcomer takes the id
 *    over: an agent that lost its state (a new machine under an old name) is not locked out. What the old session held is
 *    requeued at once.
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

  /** What a handshake leads to. `aliveSince` says when a session was last seen alive. */
  judge(entry: EntryRequest, aliveSince: (session: Session) => number, now: number): EntryVerdict {
    const { agentId, tokenHash, certificate } = entry;
    const session = this.#sessions.get(agentId);
    if (tokenHash !== null) {
      if (session !== undefined && provesSession(session, tokenHash, certificate)) {
        return { entry: 'resume', session };
      }
      const message = `the session token of agent '${agentId}' is not valid (or not any more, or not with this certificate): connect again without it`;
      return refused('SESSION_UNKNOWN', message, { field: '/sessionToken' });
    }
    if (session === undefined) {
      if (this.#sessions.size < this.#maxAgents) return { entry: 'new' };
      const message = `the coordinator has all the agents it takes (${this.#maxAgents}): raise --max-agents`;
      return refused('TOO_MANY_AGENTS', message, {});
    }
    const aliveUntil = aliveSince(session) + ALIVE_INTERVALS * this.#heartbeatIntervalMs;
    if (session.phase.state === 'disconnected' || aliveUntil <= now) return { entry: 'take-over', session };
    const message = `an agent with the id '${agentId}' is connected from ${session.identity.address}: give each agent its own --id`;
    return refused('AGENT_ID_IN_USE', message, { field: '/agentId', retryAfterMs: aliveUntil - now });
  }
}

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

function refused(
  name: 'SESSION_UNKNOWN' | 'TOO_MANY_AGENTS' | 'AGENT_ID_IN_USE',
  message: string,
  context: { readonly field?: string; readonly retryAfterMs?: number },
): EntryVerdict {
  const error = new ProtocolError(name, message, { messageType: 'AgentHandshake', ...context });
  return { entry: 'refused', error };
}
