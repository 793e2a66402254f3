import { ERRORS } from '../protocol/errors.js';
import { PROTOCOL_VERSIONS } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import type { Clock } from '../observe/clock.js';
import type { CloseInfo } from '../transport/transport.js';
import type { ClientConnection, ConnectionListener } from './client-connection.js';
import { DialCore, type DialEvent } from './dial-core.js';
import type { CoordinatorUnreachable, Refused } from './errors.js';

export interface DialingOptions {
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly pauseMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly handshake: MessageOf<'ClientHandshake'>;
  readonly connect: (address: string, listener: ConnectionListener) => ClientConnection;
}

/** How it ends, exactly one of the two; afterwards what the connection tells goes to `after`. */
export interface DialingListener {
  accepted(connection: ClientConnection, address: string, ack: MessageOf<'ClientAck'>): void;
  failed(error: CoordinatorUnreachable | Refused): void;
  /** A message that has no meaning before ClientAck. */
  ignored(message: Message): void;
  after(connection: ClientConnection, address: string): Omit<ConnectionListener, 'established'>;
}

/** Carries out a DialCore: attempts, handshakes and the timer between them, until a coordinator accepts or time is up. */
export class Dialing {
  readonly #options: DialingOptions;
  readonly #listener: DialingListener;
  readonly #core: DialCore;
  #connection: ClientConnection | null = null;
  #cancelTimer: () => void = () => undefined;
  #over = false;

  constructor(options: DialingOptions, listener: DialingListener) {
    this.#options = options;
    this.#listener = listener;
    const { addresses, timeoutMs, pauseMs, random, clock } = options;
    this.#core = new DialCore({ addresses, timeoutMs, pauseMs, random }, clock.now());
  }

  /** May end within the call. */
  start(): void {
    this.#tell({ type: 'start' });
  }

  /** Ends it without a word. */
  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    this.#connection?.close(ERRORS.NO_ERROR.code, reason);
  }

  #tell(event: DialEvent): void {
    if (this.#over) return;
    this.#cancelTimer();
    const { clock, handshake } = this.#options;
    for (const action of this.#core.handle(event, clock.now())) {
      switch (action.type) {
        case 'connect':
          this.#connection = this.#connect(action.address);
          break;
        case 'handshake':
          this.#connection?.openControl(handshake);
          break;
        case 'close':
          this.#connection?.close(ERRORS.HANDSHAKE_TIMEOUT.code, 'no answer in time');
          this.#connection = null;
          break;
        case 'fail':
          this.#over = true;
          this.#listener.failed(action.error);
          return;
      }
    }
    const at = this.#core.nextDeadline;
    if (at !== Infinity) this.#cancelTimer = clock.setTimer(at, () => this.#tell({ type: 'tick' }));
  }

  #connect(address: string): ClientConnection {
    let after: Omit<ConnectionListener, 'established'> | null = null;
    const connection = this.#options.connect(address, {
      established: () => this.#tell({ type: 'established' }),
      message: (message, payload) => {
        if (after !== null) after.message(message, payload);
        else if (!this.#receive(connection, address, message)) return;
        else after = this.#listener.after(connection, address);
      },
      drained: () => after?.drained(),
      usedUp: () => after?.usedUp(),
      closed: (info) => {
        if (after !== null) after.closed(info);
        else this.#tell({ type: 'closed', info });
      },
    });
    return connection;
  }

  /** True when it was the acceptance. */
  #receive(connection: ClientConnection, address: string, message: Message): boolean {
    let info: CloseInfo;
    if (message.type === 'ClientAck') {
      if (PROTOCOL_VERSIONS.some((version) => version === message.protocolVersion)) {
        this.#tell({ type: 'accepted' });
        this.#over = true;
        connection.configure(message.configuration);
        this.#listener.accepted(connection, address, message);
        return true;
      }
      const reason = `the coordinator chose protocol version ${message.protocolVersion}`;
      info = { by: 'local', layer: 'application', code: ERRORS.UNSUPPORTED_VERSION.code, reason };
    } else if (message.type === 'ErrorReport') {
      const { code, message: reason, retryAfterMs } = message;
      if (retryAfterMs !== undefined) this.#tell({ type: 'retry-after', retryAfterMs });
      info = { by: 'peer', layer: 'application', code, reason };
    } else {
      this.#listener.ignored(message);
      return false;
    }
    connection.close(ERRORS.NO_ERROR.code, 'the handshake failed');
    this.#tell({ type: 'closed', info });
    return false;
  }
}
