import { explainClose } from '../protocol/close-words.js';
import { ERRORS } from '../protocol/errors.js';
import type { CloseInfo } from '../transport/transport.js';

/**
 * The agent's link to its coordinators: which address to try when, when to speak, when to give up.
 * Plain code: events in, actions out; the shell owns the connection and the one timer.
 */
export interface LinkOptions {
  /** `HOST:PORT` of the coordinators, in the order to try them; at least one. */
  readonly addresses: readonly string[];
  /** The first backoff is drawn from 0 to this, each further one from twice as much. Milliseconds; default 100. */
  readonly reconnectMinMs?: number;
  /** No backoff is longer. Milliseconds; default 30,000. */
  readonly reconnectMaxMs?: number;
  /** From the attempt to AgentAck. Milliseconds; default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** A registration that held this long makes the next backoff start over. Milliseconds; default 10,000. */
  readonly stableMs?: number;
  /** Of an earlier process: resumes its session. */
  readonly sessionToken?: string | null;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Where the link is while it is wanted; each variant holds what only that phase knows. Times are of the injected clock. */
export type Phase =
  | { readonly state: 'disconnected'; readonly address: string; readonly retryAt: number }
  /** `early`: the handshake is written already and leaves as early data if it can. */
  | {
      readonly state: 'connecting';
      readonly address: string;
      readonly giveUpAt: number;
      readonly early: boolean;
    }
  | { readonly state: 'handshaking'; readonly address: string; readonly giveUpAt: number }
  | {
      readonly state: 'registered';
      readonly address: string;
      readonly since: number;
      readonly heartbeatIntervalMs: number;
      /** The one field that changes in place: every message changes it. */
      heardAt: number;
      readonly nextHeartbeatAt: number;
    };

export type LinkState =
  | Phase
  /** Finishing what runs until `until`, then handing over what is left until the new `until`. Reconnects as ever. */
  | {
      readonly state: 'draining';
      readonly step: 'finishing' | 'handing-over';
      readonly until: number;
      readonly phase: Phase;
    }
  | { readonly state: 'stopped'; readonly reason: string; readonly permanent: boolean };

export type LinkEvent =
  | { readonly type: 'start' }
  /** The transport's handshake is complete. */
  | { readonly type: 'established' }
  /** The coordinator wants the handshake once more, now that or as soon as the connection is established. */
  | { readonly type: 'early-data-refused' }
  /** AgentAck has come: registered. */
  | { readonly type: 'accepted'; readonly sessionToken: string; readonly heartbeatIntervalMs: number }
  /** AgentAck has come on a second connection, which from now on is the one. */
  | { readonly type: 'handed-over'; readonly sessionToken: string; readonly heartbeatIntervalMs: number }
  /** Any message came from the coordinator. */
  | { readonly type: 'heard' }
  /** Something has changed that the next heartbeat says: send it now. */
  | { readonly type: 'beat' }
  /** The coordinator said in an ErrorReport when trying again may help. */
  | { readonly type: 'retry-after'; readonly retryAfterMs: number }
  | { readonly type: 'closed'; readonly info: CloseInfo }
  /** SIGTERM: take no new work, finish what runs. */
  | { readonly type: 'drain'; readonly timeoutMs: number }
  /** Nothing is running and every result is acknowledged. */
  | { readonly type: 'drained' }
  | { readonly type: 'stop' }
  | { readonly type: 'tick' };

export type LinkAction =
  | { readonly type: 'connect'; readonly address: string }
  /** Send AgentHandshake on control, with the token of the last session. `early`: it may be replayed, and needs a nonce. */
  | { readonly type: 'handshake'; readonly sessionToken: string | null; readonly early: boolean }
  /** The coordinator does not know the session: the token is worth nothing. */
  | { readonly type: 'forget-session' }
  | { readonly type: 'heartbeat'; readonly sequence: number }
  | { readonly type: 'drain-notice'; readonly deadlineMs: number }
  /** The drain's time is over: abort what runs and hand it back. */
  | { readonly type: 'abandon' }
  /** Close the connection and forget it: its `closed` must not come back as an event. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** The end. `permanent`: refused in a way that trying again cannot mend (exit status 4). */
  | { readonly type: 'stop'; readonly reason: string; readonly permanent: boolean }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

/** Intervals without a word after which the coordinator counts as gone. */
const SILENT_INTERVALS = 4;
/** For the last results and their acknowledgements after a drain ran out of time. */
const HAND_OVER_MS = 1000;
/** A coordinator may not make an agent spin. */
const SHORTEST_HEARTBEAT_MS = 10;
/** Nor may it send it away for good by a number. */
const LONGEST_RETRY_AFTER_MS = 600_000;
/** Agents that were all told the same time come back within this part of it, not at once. */
const RETRY_AFTER_SPREAD = 0.25;

const NOTHING: readonly LinkAction[] = [];

export class LinkCore {
  #state: LinkState;
  /** Addresses that did not refuse for good. */
  #addresses: string[];
  readonly #notBefore = new Map<string, number>();
  /** Addresses tried since the last backoff: one backoff follows each whole round of them. */
  #triedInRound = 0;
  #failedRounds = 0;
  #sessionToken: string | null;
  #retryAfterMs = 0;
  #heartbeats = 0;
  readonly #reconnectMinMs: number;
  readonly #reconnectMaxMs: number;
  readonly #handshakeTimeoutMs: number;
  readonly #stableMs: number;
  readonly #random: () => number;

  /** Throws RangeError without an address. */
  constructor(options: LinkOptions) {
    const first = options.addresses[0];
    if (first === undefined) throw new RangeError('an agent needs at least one coordinator address');
    this.#addresses = [...options.addresses];
    this.#state = { state: 'disconnected', address: first, retryAt: Infinity };
    this.#reconnectMinMs = options.reconnectMinMs ?? 100;
    this.#reconnectMaxMs = options.reconnectMaxMs ?? 30_000;
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? 10_000;
    this.#stableMs = options.stableMs ?? 10_000;
    this.#sessionToken = options.sessionToken ?? null;
    this.#random = options.random;
  }

  /** Proves the session; null before the first and after one that the coordinator has forgotten. */
  get sessionToken(): string | null {
    return this.#sessionToken;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The phase of the connection, also while draining; null once stopped. */
  get phase(): Phase | null {
    if (this.#state.state === 'stopped') return null;
    return this.#state.state === 'draining' ? this.#state.phase : this.#state;
  }

  /** When the next `tick` is due; Infinity when only an event from outside can change anything. */
  get nextDeadline(): number {
    if (this.#state.state === 'stopped') return Infinity;
    if (this.#state.state === 'draining')
      return Math.min(this.#state.until, phaseDeadline(this.#state.phase));
    return phaseDeadline(this.#state);
  }

  handle(event: LinkEvent, now: number): readonly LinkAction[] {
    const phase = this.phase;
    if (phase === null) return NOTHING;
    switch (event.type) {
      case 'start':
        return this.#connect(phase.address, now);
      case 'established':
        return phase.state === 'connecting' ? this.#established(phase) : [];
      case 'early-data-refused':
        if (phase.state === 'handshaking') return [this.#handshake(false)];
        if (phase.state === 'connecting') this.#enter({ ...phase, early: false });
        return [];
      case 'accepted':
        if (phase.state === 'handshaking' || (phase.state === 'connecting' && phase.early)) {
          return this.#register(phase.address, now, event, now);
        }
        return [];
      case 'handed-over':
        return phase.state === 'registered' ? this.#register(phase.address, phase.since, event, now) : [];
      case 'heard':
        if (phase.state === 'registered') phase.heardAt = now;
        return NOTHING;
      case 'beat':
        return phase.state === 'registered' ? [this.#beat()] : [];
      case 'retry-after':
        this.#retryAfterMs = Math.min(LONGEST_RETRY_AFTER_MS, event.retryAfterMs);
        return [];
      case 'closed':
        return phase.state === 'disconnected' ? [] : this.#lost(phase, event.info, now);
      case 'drain':
        if (this.#state.state === 'draining') return [];
        this.#state = { state: 'draining', step: 'finishing', until: now + event.timeoutMs, phase };
        return phase.state === 'registered' ? [{ type: 'drain-notice', deadlineMs: event.timeoutMs }] : [];
      case 'drained':
        return this.#state.state === 'draining' ? this.#stop(phase, 'drained') : [];
      case 'stop':
        return this.#stop(phase, 'closed');
      case 'tick':
        return this.#tick(phase, now);
    }
  }

  #tick(phase: Phase, now: number): LinkAction[] {
    const actions: LinkAction[] = [];
    if (this.#state.state === 'draining' && this.#state.until <= now) {
      if (this.#state.step === 'handing-over') return this.#stop(phase, 'drained, work left undone');
      this.#state = { ...this.#state, step: 'handing-over', until: now + HAND_OVER_MS };
      actions.push({ type: 'abandon' });
    }
    if (phaseDeadline(phase) > now) return actions;
    switch (phase.state) {
      case 'disconnected':
        return [...actions, ...this.#connect(phase.address, now)];
      case 'connecting':
      case 'handshaking':
        return [...actions, ...this.#giveUp(phase, `no answer within ${this.#handshakeTimeoutMs} ms`, now)];
      case 'registered': {
        const { heartbeatIntervalMs } = phase;
        const patience = SILENT_INTERVALS * heartbeatIntervalMs;
        // A process that was stopped or busy has not listened: what came meanwhile is read after this tick.
        const wasAway = now - phaseDeadline(phase) >= heartbeatIntervalMs;
        const heardAt = wasAway
          ? Math.max(phase.heardAt, now - patience + heartbeatIntervalMs)
          : phase.heardAt;
        if (now - heardAt >= patience) {
          const silentMs = Math.round(now - heardAt);
          return [...actions, ...this.#giveUp(phase, `nothing heard for ${silentMs} ms`, now)];
        }
        // Beats that a busy process missed are not made up for.
        this.#enter({ ...phase, heardAt, nextHeartbeatAt: now + heartbeatIntervalMs });
        return [...actions, this.#beat()];
      }
    }
  }

  #connect(address: string, now: number): LinkAction[] {
    this.#retryAfterMs = 0;
    // Only what resumes may leave before the connection is established.
    const early = this.#sessionToken !== null;
    this.#enter({ state: 'connecting', address, giveUpAt: now + this.#handshakeTimeoutMs, early });
    const connect: LinkAction = { type: 'connect', address };
    return early ? [connect, this.#handshake(true)] : [connect];
  }

  #established(phase: Phase & { readonly state: 'connecting' }): LinkAction[] {
    const { address, giveUpAt } = phase;
    this.#enter({ state: 'handshaking', address, giveUpAt });
    return phase.early ? [] : [this.#handshake(false)];
  }

  #handshake(early: boolean): LinkAction {
    return { type: 'handshake', sessionToken: this.#sessionToken, early };
  }

  #beat(): LinkAction {
    return { type: 'heartbeat', sequence: ++this.#heartbeats };
  }

  #register(
    address: string,
    since: number,
    ack: { readonly sessionToken: string; readonly heartbeatIntervalMs: number },
    now: number,
  ): LinkAction[] {
    const heartbeatIntervalMs = Math.max(SHORTEST_HEARTBEAT_MS, ack.heartbeatIntervalMs);
    this.#sessionToken = ack.sessionToken;
    this.#heartbeats = 0;
    this.#enter({
      state: 'registered',
      address,
      since,
      heardAt: now,
      heartbeatIntervalMs,
      // The first one at once: load and memory are known from the start.
      nextHeartbeatAt: now,
    });
    if (this.#state.state !== 'draining') return [];
    return [{ type: 'drain-notice', deadlineMs: Math.max(0, this.#state.until - now) }];
  }

  #giveUp(phase: Phase, problem: string, now: number): LinkAction[] {
    const { code } = ERRORS.HEARTBEAT_TIMEOUT;
    const close: LinkAction = { type: 'close', code, reason: problem };
    return [close, ...this.#retry(phase, problem, now)];
  }

  #lost(phase: Phase, info: CloseInfo, now: number): LinkAction[] {
    const meaning = explainClose(info);
    if (meaning.name === 'SESSION_UNKNOWN' && this.#sessionToken !== null) {
      this.#sessionToken = null;
      // At once, but for a coordinator that accepts and forgets in a circle.
      const next =
        phase.state === 'registered'
          ? this.#retry(phase, meaning.text, now)
          : this.#connect(phase.address, now);
      return [{ type: 'forget-session' }, ...next];
    }
    if (meaning.name === 'CONNECTION_RECYCLED' && this.#isStable(phase, now)) {
      return this.#connect(phase.address, now);
    }
    // Soon after a registration it was more likely an attempt of our own, given up and late, than somebody with our token.
    const wasOurselves = meaning.name === 'SESSION_REPLACED' && !this.#isStable(phase, now);
    if (!meaning.permanent || wasOurselves) return this.#retry(phase, meaning.text, now);
    const reason = `${phase.address}: ${meaning.text}`;
    this.#addresses = this.#addresses.filter((address) => address !== phase.address);
    const next = this.#soonest(now, 0);
    if (next === null) {
      this.#state = { state: 'stopped', reason, permanent: true };
      return [{ type: 'stop', reason, permanent: true }];
    }
    this.#enter(next);
    const fields = { address: phase.address, reason: meaning.text };
    return [{ type: 'log', level: 'error', message: 'coordinator refuses this agent for good', fields }];
  }

  #retry(phase: Phase, problem: string, now: number): LinkAction[] {
    const askedMs = this.#retryAfterMs * (1 + RETRY_AFTER_SPREAD * this.#random());
    this.#notBefore.set(phase.address, now + askedMs);
    const wasRegistered = phase.state === 'registered';
    if (this.#isStable(phase, now)) this.#failedRounds = 0;
    this.#triedInRound = wasRegistered ? this.#addresses.length : this.#triedInRound + 1;
    const roundOver = this.#triedInRound >= this.#addresses.length;
    if (roundOver) {
      this.#triedInRound = 0;
      this.#failedRounds += 1;
    }
    const backoffMs = roundOver ? this.#backoff() : 0;
    // A lost registration is tried again where it was; an attempt that failed moves on to the next address.
    if (!wasRegistered) this.#rotatePast(phase.address);
    const next = this.#soonest(now, backoffMs);
    if (next === null) return [];
    this.#enter(next);
    const fields = { address: phase.address, reason: problem, retryAfterMs: Math.round(next.retryAt - now) };
    const message = wasRegistered ? 'connection to the coordinator lost' : 'cannot reach the coordinator';
    return [{ type: 'log', level: roundOver ? 'warn' : 'debug', message, fields }];
  }

  #isStable(phase: Phase, now: number): boolean {
    return phase.state === 'registered' && now - phase.since >= this.#stableMs;
  }

  /** Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): all of 0 to the bound. */
  #backoff(): number {
    const bound = Math.min(this.#reconnectMaxMs, this.#reconnectMinMs * 2 ** (this.#failedRounds - 1));
    return this.#random() * bound;
  }

  #rotatePast(address: string): void {
    if (this.#addresses[0] !== address) return;
    this.#addresses.shift();
    this.#addresses.push(address);
  }

  /** The first address, unless it asked for patience that a later one did not ask for. */
  #soonest(now: number, backoffMs: number): (Phase & { readonly state: 'disconnected' }) | null {
    let best: (Phase & { readonly state: 'disconnected' }) | null = null;
    for (const address of this.#addresses) {
      const retryAt = Math.max(now, this.#notBefore.get(address) ?? now) + backoffMs;
      if (best === null || retryAt < best.retryAt) best = { state: 'disconnected', address, retryAt };
    }
    return best;
  }

  #stop(phase: Phase, reason: string): LinkAction[] {
    this.#state = { state: 'stopped', reason, permanent: false };
    const stop: LinkAction = { type: 'stop', reason, permanent: false };
    return phase.state === 'disconnected'
      ? [stop]
      : [{ type: 'close', code: ERRORS.NO_ERROR.code, reason }, stop];
  }

  #enter(phase: Phase): void {
    this.#state = this.#state.state === 'draining' ? { ...this.#state, phase } : phase;
  }
}

function phaseDeadline(phase: Phase): number {
  switch (phase.state) {
    case 'disconnected':
      return phase.retryAt;
    case 'connecting':
    case 'handshaking':
      return phase.giveUpAt;
    case 'registered':
      return Math.min(phase.nextHeartbeatAt, phase.heardAt + SILENT_INTERVALS * phase.heartbeatIntervalMs);
  }
}
