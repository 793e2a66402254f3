import assert from 'node:assert/strict';
import type { Action, CoreEvent } from '../../../src/coordinator/core/contract.js';
import { hashToken } from '../../../src/coordinator/core/sessions/sessions.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import type { StoreOp } from '../../../src/store/store.js';
import { GRACE_MS, type World } from './world.js';

type Handshake = MessageOf<'AgentHandshake'>;

/** What outlives a coordinator. */
export class SessionMemory {
  readonly nonces = new Set<string>();
  /** Hashes of all tokens given out, by agent; and those of them that must never work again. */
  readonly given = new Map<string, Set<string>>();
  readonly dead = new Set<string>();
}

/**
 * Looks over a core's shoulder, and fails the test when a session is not kept. At every event:
 *
 * - an agent has at most one connection that counts;
 * - a nonce takes effect at most once, over all restarts;
 * - a token is worth nothing once the store knows that the agent has a newer one;
 * - the leases of an agent that is in its grace are taken by no event but its own handshake;
 * - whoever has its AgentAck has the credit and the kinds it asked for, and no lease too many.
 */
export class SessionWatch {
  /** The latest handshake of each connection, and whether it came in early data. */
  readonly said = new Map<string, { readonly message: Handshake; readonly early: boolean }>();
  readonly #away = new Map<string, number>();
  #committing: readonly StoreOp[] = [];

  constructor(
    readonly world: World,
    readonly memory: SessionMemory,
  ) {
    this.#noteWhoIsAway();
    world.watch = (event) => this.#before(event);
  }

  #before(event: CoreEvent): (actions: readonly Action[]) => void {
    if (event.type === 'message' && event.message.type === 'AgentHandshake') {
      this.said.set(event.connectionId, { message: event.message, early: event.early === true });
    }
    if (event.type === 'committed') this.#noteTokens();
    const waiting = this.#leasesInGrace();
    return (actions) => this.#after(event, waiting, actions);
  }

  #after(event: CoreEvent, waiting: ReadonlyMap<string, string>, actions: readonly Action[]): void {
    const { registry, tasks, connections } = this.world.core.state;
    for (const [taskId, agentId] of waiting) {
      if (this.#agentOf(event) === agentId || tasks.get(taskId) === undefined) continue;
      assert.ok(
        [...(registry.get(agentId)?.leases ?? [])].some(({ spec }) => spec.taskId === taskId),
        `${event.type} takes ${taskId} from ${agentId}`,
      );
    }
    this.#noteWhoIsAway();
    for (const action of actions) {
      if (action.type === 'commit') this.#committing = action.ops;
      else if (action.type === 'send' && action.message.type === 'AgentAck') {
        this.#checkJoined(action.connectionId, action.message);
      }
    }
    const connected = [...connections.values()].flatMap(({ role }) =>
      role.kind === 'agent' ? [role.session.agentId] : [],
    );
    assert.equal(new Set(connected).size, connected.length, 'one connection for each agent');
  }

  /** Which tokens have been given out and which are void, now that it is stored. */
  #noteTokens(): void {
    for (const op of this.#committing) {
      if (op.op !== 'put-session') continue;
      const { agentId, tokenHash, previousTokenHash } = op.session;
      const given = this.memory.given.get(agentId) ?? new Set();
      this.memory.given.set(agentId, given.add(tokenHash));
      if (previousTokenHash === null) for (const hash of given) this.memory.dead.add(hash);
      this.memory.dead.delete(tokenHash);
    }
  }

  #leasesInGrace(): Map<string, string> {
    const waiting = new Map<string, string>();
    for (const [agentId, since] of this.#away) {
      const session = this.world.core.state.registry.get(agentId);
      if (session?.phase.state !== 'disconnected' || this.world.now >= since + GRACE_MS) continue;
      for (const { spec } of session.leases) waiting.set(spec.taskId, agentId);
    }
    return waiting;
  }

  #noteWhoIsAway(): void {
    for (const { agentId, phase } of this.world.core.state.registry.values()) {
      if (phase.state !== 'disconnected') this.#away.delete(agentId);
      else if (!this.#away.has(agentId)) this.#away.set(agentId, this.world.now);
    }
  }

  /** Whose handshake an event may bring into effect. */
  #agentOf(event: CoreEvent): string | null {
    return 'connectionId' in event ? (this.said.get(event.connectionId)?.message.agentId ?? null) : null;
  }

  #checkJoined(connectionId: string, { resumed }: MessageOf<'AgentAck'>): void {
    const said = this.said.get(connectionId);
    assert.ok(said);
    const { agentId, nonce, sessionToken, concurrency, kinds } = said.message;
    if (said.early) {
      assert.ok(resumed && nonce !== undefined);
      assert.ok(!this.memory.nonces.has(nonce), 'a nonce takes effect once');
      this.memory.nonces.add(nonce);
    }
    const session = this.world.core.state.registry.get(agentId);
    assert.ok(session);
    assert.equal(resumed, sessionToken !== undefined, 'with a token it resumes or is refused');
    assert.ok(sessionToken === undefined || !this.memory.dead.has(hashToken(sessionToken)), 'an old token');
    assert.equal(session.slot.credit, concurrency);
    assert.equal(session.slot.used, session.leases.size);
    assert.deepEqual(session.identity.kinds, kinds);
  }
}
