import type { NativeConnection } from './native.js';

/** Turns after the handshake in which a ticket is looked for: asking costs a copy. */
const TURNS = 16;

/** Looks for the session ticket that follows a handshake. */
export class TicketWatch {
  #turns = 0;
  readonly #found: (session: Uint8Array) => void;

  constructor(found: (session: Uint8Array) => void) {
    this.#found = found;
  }

  /** In each turn of an established connection. */
  look(native: NativeConnection): void {
    if (this.#turns === TURNS) return;
    this.#turns++;
    const session = native.session();
    if (session === null) return;
    this.#turns = TURNS;
    this.#found(session);
  }
}
