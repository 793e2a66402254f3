import { explainClose } from '../protocol/close-words.js';
import type { CloseInfo } from '../transport/transport.js';
import { CoordinatorUnreachable, Refused } from './errors.js';

export interface DialOptions {
  /** `HOST:PORT`, in the order to try them; at least one. */
  readonly addresses: readonly string[];
  /** Over all addresses and attempts. Milliseconds. */
  readonly timeoutMs: number;
  /** Before the first attempt. Milliseconds; default none. */
  readonly pauseMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export type DialState =
  | { readonly state: 'waiting'; readonly address: string; readonly until: number }
  | { readonly state: 'connecting'; readonly address: string; readonly until: number }
  | { readonly state: 'handshaking'; readonly address: string; readonly until: number }
  | { readonly state: 'connected'; readonly address: string }
  | { readonly state: 'failed' };

export type DialEvent =
  | { readonly type: 'start' }
  | { readonly type: 'established' }
  | { readonly type: 'accepted' }
  /** The coordinator says when trying again may help; `closed` follows. */
  | { readonly type: 'retry-after'; readonly retryAfterMs: number }
  | { readonly type: 'closed'; readonly info: CloseInfo }
  | { readonly type: 'tick' };

export type DialAction =
  | { readonly type: 'connect'; readonly address: string }
  | { readonly type: 'handshake' }
  /** Close the attempt that is under way and forget it. */
  | { readonly type: 'close' }
  | { readonly type: 'fail'; readonly error: CoordinatorUnreachable | Refused };

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** No single attempt takes longer, however long the effort may. */
const LONGEST_ATTEMPT_MS = 10_000;
/** No coordinator may ask for more patience. */
const LONGEST_RETRY_AFTER_MS = 600_000;

/**
 * One effort of a client to reach any of its coordinators: each address in turn, then again after a short pause,
 * until one accepts it, all refuse it for good, or the time is over. Events in, actions out.
 */
export class DialCore {
  readonly #options: DialOptions;
  readonly #deadline: number;
  #addresses: readonly string[];
  #next = 0;
  #rounds = 0;
  /** The most that a coordinator asked for in this round. */
  #retryAfterMs = 0;
  #state: DialState;
  /** What to say in the end: the first refusal for good, else the last one. */
  #refusal: Refused | null = null;

  constructor(options: DialOptions, now: number) {
    this.#options = options;
    this.#addresses = options.addresses;
    this.#deadline = now + options.timeoutMs;
    this.#state = { state: 'waiting', address: options.addresses[0] ?? '', until: now };
  }

  get state(): DialState {
    return this.#state;
  }

  /** When the next `tick` is due; Infinity at the end. */
  get nextDeadline(): number {
    const { state } = this;
    return state.state === 'connected' || state.state === 'failed' ? Infinity : state.until;
  }

  handle(event: DialEvent, now: number): DialAction[] {
    const { state } = this;
    if (state.state === 'connected' || state.state === 'failed') return [];
    switch (event.type) {
      case 'start': {
        const { pauseMs = 0 } = this.#options;
        if (pauseMs === 0) return this.#connect(now);
        this.#state = { ...state, state: 'waiting', until: Math.min(this.#deadline, now + pauseMs) };
        return [];
      }
      case 'established':
        if (state.state !== 'connecting') return [];
        this.#state = { ...state, state: 'handshaking' };
        return [{ type: 'handshake' }];
      case 'accepted':
        if (state.state !== 'handshaking') return [];
        this.#state = { state: 'connected', address: state.address };
        return [];
      case 'retry-after':
        this.#retryAfterMs = Math.min(
          LONGEST_RETRY_AFTER_MS,
          Math.max(this.#retryAfterMs, event.retryAfterMs),
        );
        return [];
      case 'closed':
        return state.state === 'waiting' ? [] : this.#closed(state.address, event.info, now);
      case 'tick':
        if (now < state.until) return [];
        if (state.state === 'waiting') return now >= this.#deadline ? this.#fail() : this.#connect(now);
        return [{ type: 'close' }, ...this.#tryNext(now)];
    }
  }

  #connect(now: number): DialAction[] {
    const address = this.#addresses[this.#next];
    if (address === undefined) return this.#fail();
    // An address that stays silent may not use up the time of those after it.
    const share = Math.min(LONGEST_ATTEMPT_MS, this.#options.timeoutMs / this.#options.addresses.length);
    this.#state = { state: 'connecting', address, until: Math.min(this.#deadline, now + share) };
    return [{ type: 'connect', address }];
  }

  #closed(address: string, info: CloseInfo, now: number): DialAction[] {
    const meaning = explainClose(info);
    if (meaning.name !== 'UNREACHABLE' && this.#refusal?.permanent !== true) {
      this.#refusal = Refused.of(address, info.code, meaning);
    }
    if (!meaning.permanent) return this.#tryNext(now);
    this.#addresses = this.#addresses.filter((other) => other !== address);
    if (this.#addresses.length === 0) return this.#fail();
    this.#next -= 1;
    return this.#tryNext(now);
  }

  #tryNext(now: number): DialAction[] {
    if (now >= this.#deadline) return this.#fail();
    this.#next += 1;
    if (this.#next < this.#addresses.length) return this.#connect(now);
    this.#next = 0;
    const bound = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#rounds++);
    const jitter = this.#options.random();
    // As long as was asked for and up to a quarter more: others were told the same.
    const pauseMs = Math.max(((1 + jitter) * bound) / 2, this.#retryAfterMs * (1 + jitter / 4));
    const until = Math.min(this.#deadline, now + pauseMs);
    this.#retryAfterMs = 0;
    this.#state = { state: 'waiting', address: this.#addresses[0] ?? '', until };
    return [];
  }

  #fail(): DialAction[] {
    this.#state = { state: 'failed' };
    const { addresses, timeoutMs } = this.#options;
    const problem = `no coordinator answered within ${timeoutMs} ms; is one running there?`;
    return [{ type: 'fail', error: this.#refusal ?? new CoordinatorUnreachable(addresses, problem) }];
  }
}
