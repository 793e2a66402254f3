import { explainClose } from '../protocol/close-words.js';
import { ERRORS } from '../protocol/errors.js';
import { DEFAULT_RECYCLE, PROTOCOL_VERSIONS, type RecycleLimits } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import { systemClock, type Clock } from '../observe/clock.js';
import { silentLog, type Log } from '../observe/log.js';
import type { CloseInfo, TransportConnector } from '../transport/transport.js';
import { ClientConnection } from './client-connection.js';
import { Dialing, type DialingListener } from './dialing.js';
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
  /** After how much a connection is replaced by a new one, unnoticed. Default 50,000 streams or 4 GiB. */
  readonly recycle?: RecycleLimits;
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
  /** A second connection is the one from now on; answers still come on the first, until `leave` or `left`. */
  replaced(): void;
  /** The first connection is gone before `leave`: no more answers come on it. */
  left(): void;
  /** The connection is gone, and `state` is idle. `goingAway`: the coordinator said that it stops. */
  lost(problem: string, goingAway: boolean): void;
  /** No connection came about, and `state` is idle. */
  failed(error: CoordinatorUnreachable | Refused): void;
}

type Link =
  | { readonly state: 'idle' }
  | { readonly state: 'dialing'; readonly dialing: Dialing }
  | {
      readonly state: 'ready';
      readonly connection: ClientConnection;
      congested: boolean;
      /** What will take its place. */
      successor: Dialing | null;
      /** What it took the place of, while answers are to come there. */
      leaving: { readonly connection: ClientConnection; readonly cancelTimer: () => void } | null;
    }
  | { readonly state: 'closed' };

/** For a second connection to come about; the first works meanwhile. */
const REPLACE_MS = 10_000;
/** A connection that was lost is made again after up to this; twice as long each time nothing came on it. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** How long answers are waited for on a connection that has been replaced. */
const LEAVE_MS = 10_000;

/**
 * The connection of a client to one of its coordinators: made on demand, with its handshake, and replaced by another
 * one when it is used up.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #log: Log;
  #link: Link = { state: 'idle' };
  /** Connections lost since a message last came. */
  #losses = 0;
  #lostSince: number | null = null;

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
    this.#connect(timeoutMs, 0);
  }

  /**
   * Begins to connect once more after a loss: a little later, so that many clients of one coordinator do not come at the
   * same moment. False, and nothing was begun: for `timeoutMs` one connection after the other was lost, none of which
   * brought an answer.
   */
  dialAgain(timeoutMs: number): boolean {
    const now = this.#clock.now();
    this.#lostSince ??= now;
    const leftMs = timeoutMs - (now - this.#lostSince);
    if (leftMs <= 0) return false;
    const { random = Math.random } = this.#options;
    this.#connect(leftMs, random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#losses++));
    return true;
  }

  #connect(timeoutMs: number, pauseMs: number): void {
    const dialing = this.#dial(this.#options.addresses, timeoutMs, pauseMs, {
      accepted: (connection) => {
        this.#link = { state: 'ready', connection, congested: false, successor: null, leaving: null };
        this.#listener.ready();
      },
      failed: (error) => {
        this.#link = { state: 'idle' };
        this.#heard();
        this.#listener.failed(error);
      },
    });
    this.#link = { state: 'dialing', dialing };
    dialing.start();
  }

  /**
   * Does nothing without a connection.
   * @throws ProtocolError PAYLOAD_TOO_LARGE; nothing was sent.
   */
  send(message: Message, payload: Uint8Array | null): void {
    if (this.#link.state !== 'ready') return;
    if (!this.#link.connection.send(message, payload)) this.#link.congested = true;
  }

  /** Nothing is to come on the connection that was replaced. */
  leave(): void {
    if (this.#link.state !== 'ready') return;
    const { leaving } = this.#link;
    this.#link.leaving = null;
    leaving?.cancelTimer();
    leaving?.connection.close(ERRORS.CONNECTION_RECYCLED.code, 'the client goes on with a new connection');
  }

  /** For good; nothing more is told. */
  close(): void {
    const reason = 'the client is done';
    const link = this.#link;
    if (link.state === 'dialing') link.dialing.cancel(reason);
    if (link.state === 'ready') {
      link.successor?.cancel(reason);
      this.leave();
      link.connection.close(ERRORS.NO_ERROR.code, reason);
    }
    this.#link = { state: 'closed' };
  }

  #dial(
    addresses: readonly string[],
    timeoutMs: number,
    pauseMs: number,
    { accepted, failed }: Pick<DialingListener, 'accepted' | 'failed'>,
  ): Dialing {
    const { connector, random = Math.random, recycle = DEFAULT_RECYCLE } = this.#options;
    return new Dialing(
      {
        addresses,
        timeoutMs,
        pauseMs,
        clock: this.#clock,
        random,
        handshake: this.#handshake(),
        connect: (address, listener) => new ClientConnection(connector(address), listener, recycle),
      },
      {
        accepted: (connection, address, ack) => {
          this.#log.debug({ address, coordinatorId: ack.coordinatorId }, 'connected');
          accepted(connection, address, ack);
        },
        failed,
        ignored: ({ type }) => this.#log.warn({ messageType: type }, 'message before ClientAck ignored'),
        after: (connection, address) => ({
          message: (message, payload) => this.#receive(message, payload),
          drained: () => this.#drained(connection),
          usedUp: () => this.#replace(connection, address),
          closed: (info) => this.#closed(connection, address, info),
        }),
      },
    );
  }

  #heard(): void {
    this.#losses = 0;
    this.#lostSince = null;
  }

  #receive(message: Message, payload: Uint8Array | null): void {
    this.#heard();
    if (message.type === 'ErrorReport' && message.requestId === undefined) {
      const fields = { error: message.name, reason: message.message, messageType: message.messageType };
      this.#log.warn(fields, 'the coordinator refused a message');
    }
    this.#listener.message(message, payload);
  }

  #drained(connection: ClientConnection): void {
    if (this.#link.state !== 'ready' || this.#link.connection !== connection) return;
    this.#link.congested = false;
    this.#listener.drained();
  }

  /** Makes a second connection to the same coordinator. When it does not come about, the first one goes on. */
  #replace(connection: ClientConnection, address: string): void {
    const link = this.#link;
    if (link.state !== 'ready' || link.connection !== connection) return;
    if (link.successor !== null || link.leaving !== null) return;
    link.successor = this.#dial([address], REPLACE_MS, 0, {
      accepted: (successor) => this.#takeOver(successor),
      failed: (error) => {
        link.successor = null;
        this.#log.debug({ address, reason: error.message }, 'the connection is used up and was not replaced');
      },
    });
    link.successor.start();
  }

  #takeOver(connection: ClientConnection): void {
    if (this.#link.state !== 'ready') return;
    const leaving = {
      connection: this.#link.connection,
      cancelTimer: this.#clock.setTimer(this.#clock.now() + LEAVE_MS, () => {
        this.leave();
        this.#listener.left();
      }),
    };
    this.#link = { state: 'ready', connection, congested: false, successor: null, leaving };
    this.#listener.replaced();
  }

  #closed(connection: ClientConnection, address: string, info: CloseInfo): void {
    const link = this.#link;
    if (link.state !== 'ready') return;
    const { text } = explainClose(info);
    if (link.leaving?.connection === connection) {
      this.leave();
      this.#listener.left();
    } else if (link.connection === connection) {
      link.successor?.cancel('not needed');
      this.leave();
      this.#link = { state: 'idle' };
      this.#log.debug({ address, reason: text }, 'connection lost');
      this.#listener.lost(text, info.by === 'peer' && info.code === ERRORS.GOING_AWAY.code);
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
