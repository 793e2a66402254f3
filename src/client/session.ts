import { explainClose } from '../protocol/close-words.js';
import { ERRORS } from '../protocol/errors.js';
import { PROTOCOL_VERSIONS } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import { systemClock, type Clock } from '../observe/clock.js';
import { silentLog, type Log } from '../observe/log.js';
import type { CloseInfo, TransportConnector } from '../transport/transport.js';
import { ClientConnection } from './client-connection.js';
import { DialCore, type DialEvent } from './dial-core.js';
import type { CoordinatorUnreachable, Refused } from './errors.js';

export interface SessionOptions {
  /** `HOST:PORT` of the coordinators to try, in this order; at least one. */
  readonly addresses: readonly string[];
  readonly connector: TransportConnector;
  readonly joinToken?: string;
  /** Name in the coordinator's log: letters, digits and `._:@-`; default `client`. */
  readonly clientId?: string;
  /** Name and version of the program, for the coordinator's log. */
  readonly software?: string;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly log?: Log;
}

export interface SessionListener {
  /** A coordinator has accepted the client. */
  ready(): void;
  /** `payload` is valid only during the call. */
  message(message: Message, payload: Uint8Array | null): void;
  /** No longer `congested`. */
  drained(): void;
  /** The connection is gone, and `state` is idle. */
  lost(problem: string): void;
  /** No connection came about, and `state` is idle. */
  failed(error: CoordinatorUnreachable | Refused): void;
}

type Link =
  | { readonly state: 'idle' }
  | { readonly state: 'dialing'; readonly dial: DialCore; connection: ClientConnection | null }
  | { readonly state: 'ready'; readonly connection: ClientConnection; congested: boolean }
  | { readonly state: 'closed' };

/** The connection of a client to one of its coordinators: made on demand, with its handshake. */
export class Session {
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #log: Log;
  #link: Link = { state: 'idle' };
  #cancelTimer: () => void = () => undefined;

  constructor(options: SessionOptions, listener: SessionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
  }

  get state(): Link['state'] {
    return this.#link.state;
  }

  /** What is sent now only piles up: wait for `drained`. */
  get congested(): boolean {
    return this.#link.state === 'ready' && this.#link.congested;
  }

  /** Begins to connect; ends in `ready` or `failed`. */
  dial(timeoutMs: number): void {
    const { addresses, random = Math.random } = this.#options;
    const dial = new DialCore({ addresses, timeoutMs, random }, this.#clock.now());
    this.#link = { state: 'dialing', dial, connection: null };
    this.#tellDial({ type: 'start' });
  }

  /**
   * Does nothing without a connection.
   * @throws ProtocolError PAYLOAD_TOO_LARGE; nothing was sent.
   */
  send(message: Message, payload: Uint8Array | null): void {
    if (this.#link.state !== 'ready') return;
    if (!this.#link.connection.send(message, payload)) this.#link.congested = true;
  }

  /** For good; nothing more is told. */
  close(): void {
    const link = this.#link;
    this.#link = { state: 'closed' };
    this.#cancelTimer();
    if (link.state === 'ready' || link.state === 'dialing') {
      link.connection?.close(ERRORS.NO_ERROR.code, 'the client is done');
    }
  }

  #tellDial(event: DialEvent): void {
    const link = this.#link;
    if (link.state !== 'dialing') return;
    this.#cancelTimer();
    for (const action of link.dial.handle(event, this.#clock.now())) {
      switch (action.type) {
        case 'connect':
          link.connection = this.#connect(action.address);
          break;
        case 'handshake':
          link.connection?.openControl(this.#handshake());
          break;
        case 'close':
          link.connection?.close(ERRORS.HANDSHAKE_TIMEOUT.code, 'no answer in time');
          link.connection = null;
          break;
        case 'fail':
          this.#link = { state: 'idle' };
          this.#listener.failed(action.error);
          return;
      }
    }
    const at = link.dial.nextDeadline;
    if (at !== Infinity) this.#cancelTimer = this.#clock.setTimer(at, () => this.#tellDial({ type: 'tick' }));
  }

  #connect(address: string): ClientConnection {
    const connection = new ClientConnection(this.#options.connector(address), {
      established: () => this.#tellDial({ type: 'established' }),
      message: (message, payload) => {
        if (this.#link.state === 'dialing') this.#receiveFirst(connection, address, message);
        else this.#receive(message, payload);
      },
      drained: () => {
        if (this.#link.state === 'ready') this.#link.congested = false;
        this.#listener.drained();
      },
      closed: (info) => this.#closed(address, info),
    });
    return connection;
  }

  #receiveFirst(connection: ClientConnection, address: string, message: Message): void {
    let info: CloseInfo;
    if (message.type === 'ClientAck') {
      if (PROTOCOL_VERSIONS.some((version) => version === message.protocolVersion)) {
        this.#accept(connection, address, message);
        return;
      }
      const reason = `the coordinator chose protocol version ${message.protocolVersion}`;
      info = { by: 'local', layer: 'application', code: ERRORS.UNSUPPORTED_VERSION.code, reason };
    } else if (message.type === 'ErrorReport') {
      info = { by: 'peer', layer: 'application', code: message.code, reason: message.message };
    } else {
      this.#log.warn({ type: message.type }, 'message before ClientAck ignored');
      return;
    }
    connection.close(ERRORS.NO_ERROR.code, 'the handshake failed');
    this.#tellDial({ type: 'closed', info });
  }

  #accept(connection: ClientConnection, address: string, ack: MessageOf<'ClientAck'>): void {
    connection.configure(ack.configuration);
    this.#tellDial({ type: 'accepted' });
    this.#link = { state: 'ready', connection, congested: false };
    this.#log.debug({ address, coordinatorId: ack.coordinatorId }, 'connected');
    this.#listener.ready();
  }

  #receive(message: Message, payload: Uint8Array | null): void {
    if (message.type === 'ErrorReport' && message.requestId === undefined) {
      const fields = { error: message.name, reason: message.message, messageType: message.messageType };
      this.#log.warn(fields, 'the coordinator refused a message');
    }
    this.#listener.message(message, payload);
  }

  #closed(address: string, info: CloseInfo): void {
    if (this.#link.state === 'dialing') {
      this.#tellDial({ type: 'closed', info });
    } else if (this.#link.state === 'ready') {
      this.#link = { state: 'idle' };
      const { text } = explainClose(info);
      this.#log.debug({ address, reason: text }, 'connection lost');
      this.#listener.lost(text);
    }
  }

  #handshake(): MessageOf<'ClientHandshake'> {
    const { clientId = 'client', software = 'quic-swarm', joinToken } = this.#options;
    return {
      type: 'ClientHandshake',
      protocolVersions: [...PROTOCOL_VERSIONS],
      clientId,
      software,
      ...(joinToken === undefined ? {} : { joinToken }),
    };
  }
}
