import { MessageChannel, type ChannelOptions } from '../protocol/channel.js';
import { ERRORS, ProtocolError, type ErrorName } from '../protocol/errors.js';
import { MAX_HANDSHAKE_BYTES } from '../protocol/limits.js';
import type { Message, StreamPurpose } from '../protocol/messages.js';
import { messageRules, type StreamUse } from '../protocol/rules.js';
import type { CloseInfo, TransportConnection, TransportStream } from '../transport/transport.js';

/** What one peer's connection tells the coordinator. Nothing comes after `closed`. */
export interface PeerListener {
  established(): void;
  /** `payload` is valid only during the call. */
  message(message: Message, payload: Uint8Array | null): void;
  protocolError(error: ProtocolError): void;
  closed(info: CloseInfo): void;
}

export interface PeerLimits {
  readonly maxMessageBytes: number;
  readonly ownStreamThresholdBytes: number;
  /** Bytes waiting for one peer on one stream above which it counts as not reading. */
  readonly maxUnreadBytes: number;
}

interface OpenStream {
  use: StreamUse | 'unknown';
  readonly channel: MessageChannel;
}

/** Urgency of streams that carry one large message: after every lane. */
const BULK_URGENCY = 6;
const CONTROL_STREAM_ID = 0;

/**
 * The streams of one agent or client as the coordinator sees them: control is the first one the peer opens, every
 * further one says with StreamOpen what it is for, and large tasks go out on streams of their own.
 */
export class PeerStreams {
  private control: MessageChannel | null = null;
  private readonly lanes = new Map<StreamPurpose, MessageChannel>();
  /** Sent before the peer has opened a lane. Credit bounds what waits here. */
  private early: { readonly message: Message; readonly payload: Uint8Array | null }[] = [];
  /** Streams that carry one task each, until it is answered; all and only those the coordinator opened. */
  private readonly taskStreams = new Map<string, MessageChannel>();
  private role: 'unknown' | 'agent' | 'client' = 'unknown';
  private live = true;
  /** A submit came, since the last acknowledgement, whose client waits for that alone. */
  private unwatchedSubmits = false;

  constructor(
    private readonly connection: TransportConnection,
    private readonly limits: PeerLimits,
    private readonly listener: PeerListener,
  ) {
    connection.setHandler({
      onEstablished: () => this.listener.established(),
      onStream: (stream) => this.accept(stream),
      onClosed: (info) => {
        if (!this.live) return;
        this.live = false;
        this.listener.closed(info);
      },
    });
  }

  /** The handshake is accepted: from now on longer messages may come, those that `role` may send. */
  admit(role: 'agent' | 'client'): void {
    this.role = role;
    this.control?.setMaxMessageBytes(this.limits.maxMessageBytes);
  }

  send(purpose: StreamPurpose, message: Message, payload: Uint8Array | null): void {
    if (!this.live) return;
    if (message.type === 'AgentTask' && (payload?.length ?? 0) > this.limits.ownStreamThresholdBytes) {
      this.sendOnItsOwn(message.taskId, message, payload);
      return;
    }
    if (message.type === 'CancelTask') this.cancelTaskStream(message.taskId);
    const channel = purpose === 'control' ? this.control : (this.lanes.get(purpose) ?? this.anyLane());
    if (channel === null) {
      this.early.push({ message, payload });
      return;
    }
    if (this.canWait(message)) channel.sendLater(message);
    else channel.send(message, payload);
    if (channel.stream.bufferedBytes > this.limits.maxUnreadBytes) {
      this.close('SLOW_READER', `${String(channel.stream.bufferedBytes)} bytes wait unread`);
    }
  }

  /** Acknowledgements wait for company, unless the client waits for nothing else: for a result it waits anyway. */
  private canWait(message: Message): boolean {
    if (message.type !== 'MessageAck') return false;
    if (message.status === 'processed') return this.role === 'agent';
    const waitedFor = this.unwatchedSubmits;
    this.unwatchedSubmits = false;
    return !waitedFor;
  }

  /** Closes the connection; what was sent before leaves first. The listener hears of it. */
  close(error: ErrorName, reason: string): void {
    this.connection.close(ERRORS[error].code, reason);
  }

  private sendOnItsOwn(taskId: string, message: Message, payload: Uint8Array | null): void {
    const channel = this.addChannel('own', (options) => MessageChannel.open(this.connection, options));
    channel.stream.setPriority(BULK_URGENCY, true);
    this.taskStreams.set(taskId, channel);
    channel.send(message, payload);
    channel.end();
  }

  /** Resetting the stream of a task is its cancellation, and spares what has not been sent of it. */
  private cancelTaskStream(taskId: string): void {
    this.taskStreams.get(taskId)?.stream.reset(ERRORS.TASK_CANCELLED.code);
    this.taskStreams.delete(taskId);
  }

  private accept(stream: TransportStream): void {
    const isControl = stream.id === CONTROL_STREAM_ID;
    const channel = this.addChannel(
      isControl ? 'control' : 'unknown',
      (options) => new MessageChannel(stream, options),
    );
    if (isControl) this.control = channel;
  }

  private addChannel(
    use: OpenStream['use'],
    make: (options: ChannelOptions) => MessageChannel,
  ): MessageChannel {
    const over = () => {
      if (open.use === 'control') this.refuse('PROTOCOL_ERROR', 'the control stream was ended');
    };
    const channel = make({
      maxMessageBytes: this.role === 'unknown' ? MAX_HANDSHAKE_BYTES : this.limits.maxMessageBytes,
      handler: {
        onMessage: (message, payload) => {
          if (this.live) this.receive(open, message, payload);
        },
        onProtocolError: (error) => {
          if (this.live) this.listener.protocolError(error);
        },
        onEnd: () => {
          if (open.use === 'control') over();
          // A stream for one message of the peer's: nothing goes back on it.
          else if (!open.channel.stream.local) open.channel.end();
        },
        onReset: over,
        onStopped: over,
        onClosed: () => this.forget(open),
      },
    });
    const open: OpenStream = { use, channel };
    return channel;
  }

  private receive(open: OpenStream, message: Message, payload: Uint8Array | null): void {
    if (open.use === 'unknown') {
      if (message.type === 'StreamOpen') this.assign(open, message.purpose);
      else this.misplaced(message, 'before StreamOpen on a new stream');
      return;
    }
    const { from, on } = messageRules[message.type];
    if (this.role !== 'unknown' && !from.includes(this.role)) {
      this.misplaced(message, `from ${this.role === 'agent' ? 'an agent' : 'a client'}`);
    } else if (!on.includes(open.use) || message.type === 'StreamOpen') {
      this.misplaced(message, `on a stream for ${open.use}`);
    } else {
      if ('taskId' in message && open.use === 'own') this.taskStreams.delete(message.taskId);
      if (message.type === 'SubmitTask' && !message.watch) this.unwatchedSubmits = true;
      this.listener.message(message, payload);
    }
  }

  private assign(open: OpenStream, purpose: StreamPurpose): void {
    if (purpose === 'bulk') {
      open.use = 'own';
      return;
    }
    if (purpose === 'control' || this.role !== 'agent' || this.lanes.has(purpose)) {
      const why = purpose === 'control' ? 'control is the first stream' : 'not assigned, or open already';
      this.listener.protocolError(
        new ProtocolError('UNEXPECTED_MESSAGE', `StreamOpen for ${purpose}: ${why}`, {
          messageType: 'StreamOpen',
        }),
      );
      return;
    }
    open.use = 'lane';
    this.lanes.set(purpose, open.channel);
    const waiting = this.early;
    this.early = [];
    for (const { message, payload } of waiting) open.channel.send(message, payload);
  }

  /** A peer need not open every lane it was assigned. */
  private anyLane(): MessageChannel | null {
    for (const channel of this.lanes.values()) return channel;
    return null;
  }

  private misplaced(message: Message, where: string): void {
    const error = new ProtocolError('UNEXPECTED_MESSAGE', `${message.type} is not expected ${where}`, {
      messageType: message.type,
      ...('requestId' in message ? { requestId: message.requestId } : {}),
      ...('taskId' in message ? { taskId: message.taskId } : {}),
    });
    this.listener.protocolError(error);
  }

  private refuse(error: ErrorName, reason: string): void {
    if (!this.live) return;
    this.listener.protocolError(new ProtocolError(error, reason));
  }

  private forget(open: OpenStream): void {
    for (const [purpose, channel] of this.lanes) if (channel === open.channel) this.lanes.delete(purpose);
    if (!open.channel.stream.local) return;
    for (const [taskId, channel] of this.taskStreams)
      if (channel === open.channel) this.taskStreams.delete(taskId);
  }
}
