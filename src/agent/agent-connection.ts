import { MessageChannel, type ChannelOptions } from '../protocol/channel.js';
import { ERRORS, errorReport, ProtocolError } from '../protocol/errors.js';
import { DEFAULT_MAX_MESSAGE_BYTES, type RecycleLimits } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import { messageRules, type StreamUse } from '../protocol/rules.js';
import type { CloseInfo, TransportConnection, TransportStream } from '../transport/transport.js';
import type { Answer } from './outbox.js';

/** What one connection to a coordinator tells the agent. Nothing comes after `closed`. */
export interface ConnectionListener {
  established(): void;
  /** `payload` is valid only during the call. `origin` names the stream it came on: answers go back there. */
  message(message: Message, payload: Uint8Array | null, origin: number): void;
  /** The coordinator reset the stream on which this task came: it is no longer wanted. */
  taskReset(task: MessageOf<'AgentTask'>): void;
  /** The connection has reached its limits; told once. It goes on. */
  usedUp(): void;
  closed(info: CloseInfo): void;
}

interface Origin {
  readonly id: number;
  readonly use: StreamUse;
  readonly channel: MessageChannel;
  /** The task that came on a stream of its own, until it is answered; null on all other streams. */
  task: MessageOf<'AgentTask'> | null;
  /** The coordinator opened it, and nothing whole has come on it. */
  isIncoming: boolean;
}

/** What a message takes beside its payload, roughly. */
const MESSAGE_BYTES = 128;
/** Refused messages after which nothing sensible is to be expected from the coordinator. */
const MAX_PROTOCOL_ERRORS = 100;

/** The streams of one connection: which there are, what is read from them, and on which of them an answer goes. */
export class AgentConnection {
  readonly #connection: TransportConnection;
  readonly #listener: ConnectionListener;
  readonly #origins = new Map<number, Origin>();
  readonly #nextOrigin: () => number;
  #control: MessageChannel | null = null;
  /** What is to be sent once `release` is called; null: send at once. */
  #withheld: (() => void)[] | null = null;
  readonly #limits: RecycleLimits;
  #streams = 0;
  #bytes = 0;
  #usedUp = false;
  /** Streams of the coordinator's whose task has not come to its end. */
  #receiving = 0;
  #arrivals = 0;
  #protocolErrors = 0;
  /** Where answers go whose stream is gone: the first lane; null without lanes. */
  #firstLane: number | null = null;
  #bulkPriority = 7;
  #ownStreamThresholdBytes = Infinity;
  /** In both directions, until AgentAck says more. */
  #maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
  #live = true;

  /** `nextOrigin` never gives the same number twice, over all connections of the agent: a task outlives its own. */
  constructor(
    connection: TransportConnection,
    listener: ConnectionListener,
    nextOrigin: () => number,
    limits: RecycleLimits,
  ) {
    this.#connection = connection;
    this.#nextOrigin = nextOrigin;
    this.#limits = limits;
    this.#listener = listener;
    connection.setHandler({
      onEstablished: () => {
        if (this.#live) listener.established();
      },
      onStream: (stream) => this.#accept(stream),
      onClosed: (info) => {
        if (!this.#live) return;
        this.#live = false;
        listener.closed(info);
      },
    });
  }

  /**
   * Sends the handshake on control, the first stream. What is sent before the connection is established may leave as
   * early data: only a handshake with a nonce may.
   */
  sendHandshake(handshake: MessageOf<'AgentHandshake'>): void {
    this.#control ??= this.#open('control').channel;
    this.#control.send(handshake);
  }

  /** Tasks of which a part has arrived. */
  get receiving(): number {
    return this.#receiving;
  }

  /** Grows with each task, and with the first part of each. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Sends nothing until `release`; what is sent meanwhile waits in its order. */
  withhold(): void {
    this.#withheld ??= [];
  }

  release(): void {
    const waiting = this.#withheld ?? [];
    this.#withheld = null;
    if (!this.#live) return;
    for (const send of waiting) send();
  }

  /** Opens the streams that the coordinator assigned. */
  openAssigned(ack: MessageOf<'AgentAck'>): void {
    if (this.#later(() => this.openAssigned(ack))) return;
    const { ownStreamThresholdBytes, maxMessageBytes } = ack.configuration;
    this.#ownStreamThresholdBytes = ownStreamThresholdBytes;
    this.#maxMessageBytes = Math.max(maxMessageBytes, DEFAULT_MAX_MESSAGE_BYTES);
    this.#control?.setMaxMessageBytes(this.#maxMessageBytes);
    this.#control?.setMaxSendBytes(this.#maxMessageBytes);
    for (const { purpose, priority } of ack.assignedStreams) {
      if (purpose === 'control') this.#control?.stream.setPriority(priority, false);
      else if (purpose === 'bulk') this.#bulkPriority = priority;
      else {
        const { id, channel } = this.#open('lane');
        this.#firstLane ??= id;
        channel.stream.setPriority(priority, true);
        channel.send({ type: 'StreamOpen', purpose });
      }
    }
  }

  /** Sends on control. */
  send(message: Message): void {
    if (this.#later(() => this.send(message))) return;
    this.#count(0);
    this.#control?.send(message);
  }

  /** Sends an answer where its task came from, or on a stream of its own when it is large. */
  answer(origin: number | null, answer: Answer): void {
    if (this.#withheld === null) this.#answerNow(origin, answer);
    else this.#withheld.push(() => this.answer(origin, answer));
  }

  #answerNow(origin: number | null, { message, payload }: Answer): void {
    this.#count(payload?.byteLength ?? 0);
    const home = this.#origin(origin) ?? this.#origin(this.#firstLane);
    if (home?.use === 'own') {
      home.task = null;
      home.channel.send(message, payload);
      home.channel.end();
    } else if (home === null || (payload?.byteLength ?? 0) > this.#ownStreamThresholdBytes) {
      this.#sendBulk(message, payload);
    } else {
      home.channel.send(message, payload);
    }
  }

  /** Nothing will be answered to what came from there. */
  leave(origin: number): void {
    const home = this.#origin(origin);
    if (home?.use !== 'own') return;
    home.task = null;
    home.channel.end();
  }

  /** Closes the connection; the listener hears no more of it. */
  close(code: number, reason: string): void {
    this.#live = false;
    this.#connection.close(code, reason);
  }

  /** Refuses a message by name; the connection goes on unless there were too many of them. */
  refuse(error: ProtocolError): void {
    this.#protocolErrors += 1;
    if (error.fatal || this.#protocolErrors > MAX_PROTOCOL_ERRORS) {
      const { code } = error.fatal ? error : ERRORS.TOO_MANY_ERRORS;
      this.#fail(code, error.message);
    } else if (error.messageType !== 'ErrorReport') {
      this.send(errorReport(error));
    }
  }

  #origin(id: number | null): Origin | null {
    return (id === null ? undefined : this.#origins.get(id)) ?? null;
  }

  #later(send: () => void): boolean {
    this.#withheld?.push(send);
    return this.#withheld !== null;
  }

  #count(payloadBytes: number): void {
    this.#bytes += MESSAGE_BYTES + payloadBytes;
    if (this.#usedUp || !this.#live) return;
    const { streams, bytes } = this.#limits;
    if (this.#streams < streams && this.#bytes < bytes) return;
    this.#usedUp = true;
    this.#listener.usedUp();
  }

  #accept(stream: TransportStream): void {
    this.#receiving += 1;
    this.#arrivals += 1;
    this.#add('own', (options) => new MessageChannel(stream, options)).isIncoming = true;
  }

  #arrived(origin: Origin): void {
    if (!origin.isIncoming) return;
    origin.isIncoming = false;
    this.#receiving -= 1;
  }

  #sendBulk(message: Message, payload: Uint8Array | null): void {
    const { channel } = this.#open('own');
    channel.stream.setPriority(this.#bulkPriority, true);
    channel.send({ type: 'StreamOpen', purpose: 'bulk' });
    channel.send(message, payload);
    channel.end();
  }

  #open(use: StreamUse): Origin {
    return this.#add(use, (options) => MessageChannel.open(this.#connection, options));
  }

  #add(use: StreamUse, makeChannel: (options: ChannelOptions) => MessageChannel): Origin {
    const id = this.#nextOrigin();
    this.#streams += 1;
    const drop = () => {
      this.#origins.delete(id);
      this.#arrived(origin);
    };
    const abandoned = () => {
      // Nobody reads it any more: what is still to be said goes on a lane.
      drop();
      if (use === 'own') origin.channel.end();
      if (origin.task !== null) this.#listener.taskReset(origin.task);
      if (use === 'control') this.#fail(ERRORS.PROTOCOL_ERROR.code, 'the control stream was ended');
    };
    const channel = makeChannel({
      maxMessageBytes: this.#maxMessageBytes,
      maxSendBytes: this.#maxMessageBytes,
      handler: {
        onMessage: (message, payload) => {
          if (this.#live) this.#receive(message, payload, origin);
        },
        onProtocolError: (error) => {
          if (this.#live) this.refuse(error);
        },
        onReset: abandoned,
        onStopped: abandoned,
        onClosed: drop,
      },
    });
    const origin: Origin = { id, use, channel, task: null, isIncoming: false };
    this.#origins.set(id, origin);
    return origin;
  }

  #receive(message: Message, payload: Uint8Array | null, origin: Origin): void {
    const { from, on } = messageRules[message.type];
    if (!from.includes('coordinator') || !on.includes(origin.use)) {
      const text = `a coordinator does not send ${message.type} on a stream for ${origin.use}`;
      this.refuse(new ProtocolError('UNEXPECTED_MESSAGE', text, { messageType: message.type }));
      return;
    }
    if (message.type === 'AgentTask') {
      this.#arrivals += 1;
      this.#arrived(origin);
      if (origin.use === 'own') origin.task = message;
    }
    this.#count(payload?.byteLength ?? 0);
    this.#listener.message(message, payload, origin.id);
  }

  /** Ends the connection for a fault of the coordinator's. */
  #fail(code: number, reason: string): void {
    if (!this.#live) return;
    this.#live = false;
    this.#connection.close(code, reason);
    this.#listener.closed({ by: 'local', layer: 'application', code, reason });
  }
}
