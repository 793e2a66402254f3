import { MessageChannel, type ChannelOptions } from '../protocol/channel.js';
import { ERRORS, errorReport, ProtocolError } from '../protocol/errors.js';
import { DEFAULT_MAX_MESSAGE_BYTES, type RecycleLimits } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import { messageRules } from '../protocol/rules.js';
import type { CloseInfo, TransportConnection } from '../transport/transport.js';

/** What one connection to a coordinator tells the client. Nothing comes after `closed`. */
export interface ConnectionListener {
  established(): void;
  /** A message on control. `payload` is valid only during the call. */
  message(message: Message, payload: Uint8Array | null): void;
  /** Control takes more after `send` returned false. */
  drained(): void;
  /** The connection has reached its limits, and goes on. Told again after as much once more. */
  usedUp(): void;
  closed(info: CloseInfo): void;
}

/** Urgency of a large input: after everything else. */
const BULK_URGENCY = 6;
/** What a message takes beside its payload, roughly. */
const MESSAGE_BYTES = 128;
/** Refused messages after which nothing sensible is to be expected from the coordinator. */
const MAX_PROTOCOL_ERRORS = 100;

/** The streams of one connection: control, and one for each large input. */
export class ClientConnection {
  readonly #connection: TransportConnection;
  readonly #listener: ConnectionListener;
  #control: MessageChannel | null = null;
  #ownStreamThresholdBytes = Infinity;
  #maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
  #protocolErrors = 0;
  #live = true;
  readonly #recycle: RecycleLimits;
  /** Until it is used up. */
  #streamsLeft: number;
  #bytesLeft: number;

  constructor(connection: TransportConnection, listener: ConnectionListener, recycle: RecycleLimits) {
    this.#connection = connection;
    this.#recycle = recycle;
    this.#streamsLeft = recycle.streams;
    this.#bytesLeft = recycle.bytes;
    this.#listener = listener;
    connection.setHandler({
      // Not earlier: what a client says before this may be replayed by others.
      onEstablished: () => {
        if (this.#live) listener.established();
      },
      onStream: (stream) => {
        new MessageChannel(stream, this.#options()).stopReading();
        this.#refuse(new ProtocolError('UNEXPECTED_MESSAGE', 'a coordinator opens no stream to a client'));
      },
      onClosed: (info) => {
        if (!this.#live) return;
        this.#live = false;
        listener.closed(info);
      },
    });
  }

  /** Opens control, the first stream, with the handshake on it. */
  openControl(handshake: MessageOf<'ClientHandshake'>): void {
    const gone = () => this.#fail(ERRORS.PROTOCOL_ERROR.code, 'the control stream was ended');
    this.#control = MessageChannel.open(this.#connection, {
      ...this.#options(),
      handler: {
        onMessage: (message, payload) => this.#receive(message, payload),
        onProtocolError: (error) => this.#refuse(error),
        onDrain: () => {
          if (this.#live) this.#listener.drained();
        },
        onReset: gone,
        onStopped: gone,
      },
    });
    this.#control.send(handshake);
  }

  configure({ ownStreamThresholdBytes, maxMessageBytes }: MessageOf<'ClientAck'>['configuration']): void {
    this.#ownStreamThresholdBytes = ownStreamThresholdBytes;
    this.#maxMessageBytes = maxMessageBytes;
    this.#control?.setMaxMessageBytes(Math.max(maxMessageBytes, DEFAULT_MAX_MESSAGE_BYTES));
    this.#control?.setMaxSendBytes(maxMessageBytes);
  }

  /**
   * Sends a message; one with a large payload goes on a stream of its own. False: wait for `drained`.
   * @throws ProtocolError PAYLOAD_TOO_LARGE; nothing was sent.
   */
  send(message: Message, payload: Uint8Array | null): boolean {
    if (this.#control === null) return true;
    this.#count(payload);
    if (payload === null || payload.byteLength <= this.#ownStreamThresholdBytes) {
      return this.#control.send(message, payload);
    }
    const channel = MessageChannel.open(this.#connection, this.#options());
    this.#streamsLeft -= 1;
    channel.stream.setPriority(BULK_URGENCY, true);
    channel.send({ type: 'StreamOpen', purpose: 'bulk' });
    try {
      channel.send(message, payload);
    } finally {
      channel.end();
    }
    return true;
  }

  /** Closes the connection; the listener hears no more of it. */
  close(code: number, reason: string): void {
    this.#live = false;
    this.#connection.close(code, reason);
  }

  #options(): ChannelOptions {
    return {
      maxMessageBytes: Math.max(this.#maxMessageBytes, DEFAULT_MAX_MESSAGE_BYTES),
      maxSendBytes: this.#maxMessageBytes,
      handler: {
        onMessage: (message) => this.#refuse(unexpected(message)),
        onProtocolError: (error) => this.#refuse(error),
      },
    };
  }

  #receive(message: Message, payload: Uint8Array | null): void {
    if (!this.#live) return;
    const { from, on } = messageRules[message.type];
    this.#count(payload);
    if (from.includes('coordinator') && on.includes('control')) this.#listener.message(message, payload);
    else this.#refuse(unexpected(message));
  }

  #count(payload: Uint8Array | null): void {
    this.#bytesLeft -= MESSAGE_BYTES + (payload?.byteLength ?? 0);
    if ((this.#streamsLeft > 0 && this.#bytesLeft > 0) || !this.#live) return;
    this.#streamsLeft = this.#recycle.streams;
    this.#bytesLeft = this.#recycle.bytes;
    this.#listener.usedUp();
  }

  #refuse(error: ProtocolError): void {
    if (!this.#live) return;
    this.#protocolErrors += 1;
    if (error.fatal) this.#fail(error.code, error.message);
    else if (this.#protocolErrors > MAX_PROTOCOL_ERRORS)
      this.#fail(ERRORS.TOO_MANY_ERRORS.code, error.message);
    else {
      const report = errorReport(error);
      if (error.messageType !== 'ErrorReport') this.#control?.send(report);
      // whoever waits for an answer that cannot be read must not wait for ever
      if (report.requestId !== undefined) this.#listener.message(report, null);
    }
  }

  /** Ends the connection for a fault of the coordinator's. */
  #fail(code: number, reason: string): void {
    if (!this.#live) return;
    this.#live = false;
    this.#connection.close(code, reason);
    this.#listener.closed({ by: 'local', layer: 'application', code, reason });
  }
}

function unexpected({ type }: Message): ProtocolError {
  return new ProtocolError('UNEXPECTED_MESSAGE', `a coordinator does not send ${type} here`, {
    messageType: type,
  });
}
