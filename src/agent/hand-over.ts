/**
 * How a connection that is used up is replaced without a gap: a second one is made and resumes the session, then the
 * first is let go. Plain code: events in, actions out.
 *
 *     resting ──used-up──▶ connecting ──established──▶ settling ──▶ handshaking ──accepted──▶ resting
 *        ▲                     │ refused, lost, too late   │              │
 *        └────── (retry) ── waiting ◀──────────────────────┴──────────────┘
 *
 * The agent gives no credit from the beginning on. The second connection is established a round trip later, when the
 * coordinator has heard of that; the handshake waits as long once more, and on until no task has arrived for a round trip
 * and none is arriving: so that it can name all that was dispatched before. What does arrive after it was written is not
 * among its leases; the coordinator dispatches it again.
 */
export type HandOverState =
  | { readonly state: 'resting' }
  /** An attempt failed; the first connection goes on for now. */
  | { readonly state: 'waiting'; readonly retryAt: number }
  | { readonly state: 'connecting'; readonly begunAt: number; readonly giveUpAt: number }
  | {
      readonly state: 'settling';
      readonly until: number;
      readonly roundTripMs: number;
      readonly arrivals: number;
      readonly giveUpAt: number;
    }
  | { readonly state: 'handshaking'; readonly giveUpAt: number };

export type HandOverEvent =
  | { readonly type: 'used-up' }
  /** Of the second connection. */
  | { readonly type: 'established' }
  | { readonly type: 'accepted' }
  /** It was refused, or closed. */
  | { readonly type: 'refused'; readonly retryAfterMs: number }
  /** The first connection is over, in a way that is not for the second one to mend. */
  | { readonly type: 'lost' }
  /**
   * `receiving`: tasks of which a part has arrived on the first connection; `arrivals`: a number that grows with each
   * task, and with the first part of each.
   */
  | { readonly type: 'tick'; readonly receiving: number; readonly arrivals: number };

export type HandOverAction =
  /** Give no credit, and make the second connection. */
  | { readonly type: 'begin' }
  | { readonly type: 'handshake' }
  /** The second connection is the one from now on. */
  | { readonly type: 'switch' }
  /** Forget the second connection, and give credit again. */
  | { readonly type: 'give-up' };

export interface HandOverOptions {
  /** From the attempt to AgentAck. Milliseconds; default 10,000. */
  readonly timeoutMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** No number of arrivals: the first look only tells what to compare the next one with. */
const NONE = -1;
const SHORTEST_SETTLING_MS = 1;
const LONGEST_SETTLING_MS = 1000;
const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 300_000;

export class HandOver {
  readonly #timeoutMs: number;
  readonly #random: () => number;
  #state: HandOverState = { state: 'resting' };
  #failures = 0;

  constructor(options: HandOverOptions) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#random = options.random;
  }

  get state(): HandOverState['state'] {
    return this.#state.state;
  }

  /** A second connection is being made. */
  get underWay(): boolean {
    return this.state !== 'resting' && this.state !== 'waiting';
  }

  /** When the next `tick` is due, or Infinity. */
  get nextDeadline(): number {
    switch (this.#state.state) {
      case 'resting':
        return Infinity;
      case 'waiting':
        return this.#state.retryAt;
      case 'settling':
        return this.#state.until;
      case 'connecting':
      case 'handshaking':
        return this.#state.giveUpAt;
    }
  }

  handle(event: HandOverEvent, now: number): HandOverAction[] {
    const { state } = this;
    switch (event.type) {
      case 'used-up':
        return state === 'resting' ? this.#begin(now) : [];
      case 'established':
        if (this.#state.state === 'connecting') this.#settle(this.#state, now);
        return [];
      case 'accepted':
        if (state !== 'handshaking') return [];
        this.#rest();
        return [{ type: 'switch' }];
      case 'refused':
        return this.underWay ? this.#fail(event.retryAfterMs, now) : [];
      case 'lost': {
        const { underWay } = this;
        this.#rest();
        return underWay ? [{ type: 'give-up' }] : [];
      }
      case 'tick':
        return now < this.nextDeadline ? [] : this.#due(event, now);
    }
  }

  #due({ receiving, arrivals }: HandOverEvent & { readonly type: 'tick' }, now: number): HandOverAction[] {
    const state = this.#state;
    switch (state.state) {
      case 'resting':
        return [];
      case 'waiting':
        return this.#begin(now);
      case 'settling':
        if (now >= state.giveUpAt) return this.#fail(0, now);
        if (receiving > 0 || arrivals !== state.arrivals) {
          this.#state = { ...state, until: now + state.roundTripMs, arrivals };
          return [];
        }
        this.#state = { state: 'handshaking', giveUpAt: now + this.#timeoutMs };
        return [{ type: 'handshake' }];
      case 'connecting':
      case 'handshaking':
        return this.#fail(0, now);
    }
  }

  #settle({ begunAt, giveUpAt }: HandOverState & { readonly state: 'connecting' }, now: number): void {
    const roundTripMs = Math.min(LONGEST_SETTLING_MS, Math.max(SHORTEST_SETTLING_MS, now - begunAt));
    this.#state = { state: 'settling', until: now + roundTripMs, roundTripMs, arrivals: NONE, giveUpAt };
  }

  #begin(now: number): HandOverAction[] {
    this.#state = { state: 'connecting', begunAt: now, giveUpAt: now + this.#timeoutMs };
    return [{ type: 'begin' }];
  }

  #rest(): void {
    this.#failures = 0;
    this.#state = { state: 'resting' };
  }

  #fail(retryAfterMs: number, now: number): HandOverAction[] {
    const bound = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    // Half of it for certain: the connection that is used up still works, and nothing is urgent.
    const pauseMs = (bound / 2) * (1 + this.#random());
    this.#state = { state: 'waiting', retryAt: now + Math.max(pauseMs, retryAfterMs) };
    return [{ type: 'give-up' }];
  }
}
