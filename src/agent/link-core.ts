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
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Where the link is while it is wanted; each variant holds what only that phase knows. Times are of the injected clock. */
export type Phase =
  | { readonly state: 'disconnected'; readonly address: string; readonly retryAt: number }
  | { readonly state: 'connecting'; readonly address: string; readonly giveUpAt: number }
  | { readonly state: 'handshaking'; readonly address: string; readonly giveUpAt: number }
  | {
      readonly state: 'registered';
      readonly address: string;
      readonly since: number;
      readonly heartbeatIntervalMs: number;
      readonly heardAt: number;
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
  /** AgentAck has come: registered. */
  | { readonly type: 'accepted'; readonly sessionToken: string; readonly heartbeatIntervalMs: number }
  /** Any message came from the coordinator. */
  | { readonly type: 'heard' }
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
  /** Open control and send AgentHandshake, with the token of the last session. */
  | { readonly type: 'handshake'; readonly sessionToken: string | null }
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

export class LinkCore {
  #state: LinkState;
  /** Addresses that did not refuse for good. */
  #addresses: string[];
  readonly #notBefore = new Map<string, number>();
  /** Addresses tried since the last backoff: one backoff follows each whole round of them. */
  #triedInRound = 0;
  #failedRounds = 0;
  #sessionToken: string | null = null;
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
    this.#random = options.random;
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

  handle(event: LinkEvent, now: number): LinkAction[] {
    const phase = this.phase;
    if (phase === null) return [];
    switch (event.type) {
      case 'start':
        return this.#connect(phase.address, now);
      case 'established':
        if (phase.state !== 'connecting') return [];
        this.#enter({ ...phase, state: 'handshaking' });
        return [{ type: 'handshake', sessionToken: this.#sessionToken }];
      case 'accepted':
        return phase.state === 'handshaking' ? this.#register(phase.address, event, now) : [];
      case 'heard':
        if (phase.state === 'registered') this.#enter({ ...phase, heardAt: now });
        return [];
      case 'retry-after':
        this.#retryAfterMs = event.retryAfterMs;
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
        const silentMs = now - phase.heardAt;
        if (silentMs >= SILENT_INTERVALS * phase.heartbeatIntervalMs) {
          return [...actions, ...this.#giveUp(phase, `nothing heard for ${Math.round(silentMs)} ms`, now)];
        }
        // Beats that a busy process missed are not made up for.
        this.#enter({ ...phase, nextHeartbeatAt: now + phase.heartbeatIntervalMs });
        return [...actions, { type: 'heartbeat', sequence: ++this.#heartbeats }];
      }
    }
  }

  #connect(address: string, now: number): LinkAction[] {
    this.#retryAfterMs = 0;
    this.#enter({ state: 'connecting', address, giveUpAt: now + this.#handshakeTimeoutMs });
    return [{ type: 'connect', address }];
  }

  #register(
    address: string,
    ack: { readonly sessionToken: string; readonly heartbeatIntervalMs: number },
    now: number,
  ): LinkAction[] {
    const heartbeatIntervalMs = Math.max(SHORTEST_HEARTBEAT_MS, ack.heartbeatIntervalMs);
    this.#sessionToken = ack.sessionToken;
    this.#heartbeats = 0;
    this.#enter({
      state: 'registered',
      address,
      since: now,
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
    if (meaning.name === 'SESSION_UNKNOWN') this.#sessionToken = null;
    if (meaning.name === 'CONNECTION_RECYCLED' && this.#isStable(phase, now)) {
      return this.#connect(phase.address, now);
    }
    if (!meaning.permanent) return this.#retry(phase, meaning.text, now);
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
    this.#notBefore.set(phase.address, now + this.#retryAfterMs);
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
    const fields = { address: phase.address, reason: problem, retryInMs: Math.round(next.retryAt - now) };
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
