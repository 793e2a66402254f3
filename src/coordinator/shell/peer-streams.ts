import { MessageChannel, type ChannelOptions } from '../../protocol/channel.js';
import { ERRORS, ProtocolError, type ErrorName } from '../../protocol/errors.js';
import { MAX_HANDSHAKE_BYTES } from '../../protocol/limits.js';
import type { Message, StreamPurpose } from '../../protocol/messages.js';
import { messageRules, type StreamUse } from '../../protocol/rules.js';
import type { CloseInfo, TransportConnection, TransportStream } from '../../transport/transport.js';
import { MessageMeter } from './message-meter.js';
import type { PeerMemory, PeerShare } from './peer-memory.js';
import { TaskStreams } from './task-streams.js';
import { Wear, type RecycleRule } from './wear.js';

/** What one peer's connection tells the coordinator. Nothing comes before `opened` or after `closed`. */
export interface PeerListener {
  /** There is something to hear. `early`: its TLS handshake is not complete; `established` follows when it is. */
  opened(early: boolean): void;
  /** After `opened(true)` only. */
  established(): void;
  /** `payload` is the listener's own. `early`: anybody who recorded it may have sent it. */
  message(message: Message, payload: Uint8Array | null, early: boolean): void;
  /** An agent has opened one of the lanes it was assigned. */
  laneOpened(): void;
  protocolError(error: ProtocolError): void;
  closed(info: CloseInfo): void;
}

export interface PeerLimits {
  readonly maxMessageBytes: number;
  readonly ownStreamThresholdBytes: number;
  readonly recycle: RecycleRule;
}

interface OpenStream {
  use: StreamUse | 'unknown';
  readonly channel: MessageChannel;
}

const CONTROL_STREAM_ID = 0;

/**
 * The streams of one agent or client as the coordinator sees them: control is the first one the peer opens, every
 * further one says with StreamOpen what it is for, and large tasks go out on streams of their own.
 */
export class PeerStreams {
  private control: MessageChannel | null = null;
  private readonly lanes = new Map<StreamPurpose, MessageChannel>();
  /** Sent before the peer has opened a lane. Credit bounds their number. */
  private waiting: { readonly message: Message; readonly payload: Uint8Array | null }[] = [];
  private waitingBytes = 0;
  /** All and only the streams that the coordinator opened. */
  private readonly tasks = new TaskStreams(() =>
    this.addChannel('own', (options) => MessageChannel.open(this.connection, options)),
  );
  /** All and only the streams the peer opened. */
  private readonly incoming = new Set<TransportStream>();
  private role: 'unknown' | 'agent' | 'client' = 'unknown';
  /** `closing`: nothing is read or sent any more, `closed` is still to come. */
  private phase: 'new' | 'open' | 'closing' | 'closed' = 'new';
  private readonly share: PeerShare;
  private readonly wear: Wear;

  /** `intakeOpen`: whether clients are read at present. */
  constructor(
    private readonly connection: TransportConnection,
    private readonly limits: PeerLimits,
    memory: PeerMemory,
    private intakeOpen: boolean,
    private readonly listener: PeerListener,
    private readonly meter = new MessageMeter(),
  ) {
    this.wear = new Wear(() => connection.stats(), limits.recycle);
    this.share = memory.share(
      () => this.unsentBytes(),
      (error, reason) => this.close(error, reason),
    );
    connection.setHandler({
      onEstablished: () => {
        if (this.phase === 'new') this.begin(false);
        else if (this.phase === 'open') this.listener.established();
      },
      onStream: (stream, early) => {
        if (this.phase === 'new') this.begin(early);
        this.accept(stream);
      },
      onClosed: (info) => {
        if (this.phase === 'closed') return;
        const told = this.phase !== 'new';
        this.phase = 'closed';
        this.tasks.clear();
        this.share.release();
        if (told) this.listener.closed(info);
      },
    });
  }

  /** The handshake is accepted: from now on longer messages may come, those that `role` may send. */
  admit(role: 'agent' | 'client'): void {
    this.role = role;
    this.control?.setMaxMessageBytes(this.limits.maxMessageBytes);
    this.setIntake(this.intakeOpen);
  }

  /** Whether clients are read. Means nothing for an agent. */
  setIntake(open: boolean): void {
    this.intakeOpen = open;
    if (this.role !== 'client') return;
    for (const stream of this.incoming) {
      if (open) stream.resume();
      else stream.pause();
    }
  }

  send(purpose: StreamPurpose, message: Message, payload: Uint8Array | null): void {
    if (this.phase !== 'open') return;
    const large = payload !== null && payload.length > this.limits.ownStreamThresholdBytes;
    if (large && message.type === 'AgentTask') {
      this.tasks.send(message, payload);
      // the head of its frame, some dozens of bytes, is not counted
      this.meter.sent(message.type, payload.length);
      this.wearOut();
      return;
    }
    if (message.type === 'CancelTask') this.tasks.cancel(message.taskId);
    const channel = purpose === 'control' ? this.control : (this.lanes.get(purpose) ?? this.anyLane());
    if (channel === null) {
      this.waiting.push({ message, payload });
      this.waitingBytes += payload?.length ?? 0;
      this.share.sent(payload?.length ?? 0);
      return;
    }
    this.write(channel, message, payload);
  }

  /** Closes the connection; what was sent before leaves first, nothing is read any more. The listener hears of it. */
  close(error: ErrorName, reason: string): void {
    if (this.phase === 'open') this.phase = 'closing';
    this.connection.close(ERRORS[error].code, reason);
  }

  private begin(early: boolean): void {
    this.phase = 'open';
    this.listener.opened(early);
  }

  private write(channel: MessageChannel, message: Message, payload: Uint8Array | null): void {
    const { bytesOut } = channel.counters;
    if (this.canWait(message)) channel.sendLater(message);
    else channel.send(message, payload);
    const bytes = channel.counters.bytesOut - bytesOut;
    this.meter.sent(message.type, bytes);
    this.share.sent(bytes);
    this.wearOut();
  }

  /** An agent has no use for the word that its result is stored but to forget it. */
  private canWait(message: Message): boolean {
    return this.role === 'agent' && message.type === 'MessageAck' && message.status === 'processed';
  }

  private unsentBytes(): number {
    let bytes = this.waitingBytes + (this.control?.stream.bufferedBytes ?? 0) + this.tasks.unsentBytes;
    for (const { stream } of this.lanes.values()) bytes += stream.bufferedBytes;
    return bytes;
  }

  private wearOut(): void {
    const why = this.wear.use();
    if (why !== null) this.close('CONNECTION_RECYCLED', why);
  }

  private accept(stream: TransportStream): void {
    if (this.phase !== 'open') return;
    const isControl = stream.id === CONTROL_STREAM_ID;
    if (!isControl && this.role === 'unknown') {
      // Nobody opens others before the answer to the handshake: what a stranger can make us hold is one short frame.
      stream.stop(ERRORS.UNEXPECTED_MESSAGE.code);
      stream.reset(ERRORS.UNEXPECTED_MESSAGE.code);
      this.listener.protocolError(
        new ProtocolError('UNEXPECTED_MESSAGE', 'a stream beside control before the handshake was accepted'),
      );
      return;
    }
    this.incoming.add(stream);
    const channel = this.addChannel(
      isControl ? 'control' : 'unknown',
      (options) => new MessageChannel(stream, options),
    );
    if (isControl) this.control = channel;
    if (this.role === 'client' && !this.intakeOpen) stream.pause();
    this.wearOut();
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
      ownPayloads: true,
      handler: {
        onMessage: (message, payload, bytes) => {
          this.meter.received(message.type, bytes);
          if (this.phase === 'open') this.receive(open, message, payload);
        },
        onProtocolError: (error) => {
          if (this.phase === 'open') this.listener.protocolError(error);
        },
        onHeld: (bytes) => this.share.received(bytes),
        onDrain: () => this.tasks.drained(open.channel),
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
      if ('taskId' in message && open.use === 'own') this.tasks.answered(message.taskId);
      this.listener.message(message, payload, this.connection.state === 'handshaking');
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
    const { waiting } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { message, payload } of waiting) this.write(open.channel, message, payload);
    this.listener.laneOpened();
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
    if (this.phase === 'open') this.listener.protocolError(new ProtocolError(error, reason));
  }

  private forget(open: OpenStream): void {
    this.incoming.delete(open.channel.stream);
    for (const [purpose, channel] of this.lanes) if (channel === open.channel) this.lanes.delete(purpose);
    if (open.channel.stream.local) this.tasks.closed(open.channel);
  }
}
