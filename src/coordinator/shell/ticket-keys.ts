import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../../observe/clock.js';
import type { Log } from '../../observe/log.js';
import type { TicketKeyRecord } from '../../store/records.js';
import type { Store, StoreOp } from '../../store/store.js';
import { TICKET_KEY_BYTES } from '../../transport/transport.js';

export const DEFAULT_TICKET_KEY_LIFETIME_MS = 24 * 3_600_000;

/**
 * How long a nonce of early data must be remembered: longer than a ticket can bring it. A ticket is accepted only under
 * the key it was made with, and a key is used for one lifetime; twice that leaves room for clocks that were set.
 */
export function nonceLifetime(ticketKeyLifetimeMs: number): number {
  return 2 * ticketKeyLifetimeMs + 60_000;
}

export interface TicketKeyOptions {
  readonly store: Pick<Store, 'commit'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifetimeMs: number;
  /** Makes a key the current one. */
  readonly use: (key: Uint8Array) => void;
}

/**
 * The keys of TLS session tickets: the newest of the store serves until its lifetime is over, then a new one, so that
 * sessions are resumed across restarts and an old ticket, with the early data recorded with it, is worth nothing.
 * A new key is in the store before it is used. If that fails it is used nevertheless: the next process will not know it,
 * which costs full handshakes; to go on with the old one would outlive the nonces that guard against replays.
 */
export class TicketKeys {
  readonly #options: TicketKeyOptions;
  /** Ids of the keys in the store. */
  #stored: string[] = [];
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(options: TicketKeyOptions) {
    this.#options = options;
  }

  /** Resolves when a key is in use. `stored`: what the store has, the newest first. Never rejects. */
  async start(stored: readonly TicketKeyRecord[]): Promise<void> {
    const { clock, lifetimeMs, use } = this.#options;
    this.#stored = stored.map(({ keyId }) => keyId);
    const [newest] = stored;
    const now = clock.now();
    // A key of the future was made under a clock that has been set back since.
    const endsAt = newest === undefined ? now : Math.min(newest.createdAt, now) + lifetimeMs;
    if (newest?.key.length !== TICKET_KEY_BYTES || endsAt <= now) {
      await this.#rotate();
      return;
    }
    use(newest.key);
    this.#rotateAt(endsAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  async #rotate(): Promise<void> {
    const { store, clock, log, lifetimeMs, use } = this.#options;
    const createdAt = clock.now();
    const keyId = uuidv7({ msecs: Math.floor(createdAt) });
    const key = randomBytes(TICKET_KEY_BYTES);
    const drops = this.#stored.map((old): StoreOp => ({ op: 'drop-ticket-key', keyId: old }));
    try {
      await store.commit([{ op: 'put-ticket-key', ticketKey: { keyId, key, createdAt } }, ...drops]);
      this.#stored = [keyId];
    } catch (err) {
      if (this.#stopped) return;
      log.warn({ err }, 'a key of session tickets could not be stored: agents resume with full handshakes');
    }
    if (this.#stopped) return;
    use(key);
    this.#rotateAt(createdAt + lifetimeMs);
  }

  #rotateAt(at: number): void {
    this.#cancelTimer = this.#options.clock.setTimer(at, () => void this.#rotate());
  }
}
