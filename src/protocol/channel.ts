import type { StreamHandler, TransportConnection, TransportStream } from '../transport/transport.js';
import { decodeEnvelope, encodeFrame, encodeHead, type Envelope } from './envelope.js';
import { ProtocolError } from './errors.js';
import { FrameDecoder, FrameError, LENGTH_BYTES } from './frame.js';
import { DEFAULT_MAX_MESSAGE_BYTES } from './limits.js';
import type { Message } from './messages.js';

/** What a channel tells its user; the optional calls are those of StreamHandler. */
export interface ChannelHandler {
  /** `payload` is a view, valid only during the call, but with `ownPayloads`. `bytes`: of the frame. */
  onMessage(message: Message, payload: Uint8Array | null, bytes: number): void;
  /**
   * A frame was refused. With `error.fatal` the channel reads no more: report the error and close the connection
   * with its code. Else the stream goes on: report it.
   */
  onProtocolError(error: ProtocolError): void;
  /** `bytes` more are held of a frame that is not complete; fewer when negative. */
  onHeld?(bytes: number): void;
  onDrain?(): void;
  onEnd?(): void;
  onReset?(code: number): void;
  onStopped?(code: number): void;
  onClosed?(): void;
}

export interface ChannelOptions {
  readonly handler: ChannelHandler;
  /** Longest body accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Longest body the peer accepts, in bytes; default 64 MiB. */
  readonly maxSendBytes?: number;
  /** The handler keeps payloads: each is a copy of its own. */
  readonly ownPayloads?: boolean;
}

/** Frames and bytes since the channel was made, length prefixes included. */
export interface ChannelCounters {
  readonly framesIn: number;
  readonly framesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A payload from this size on is written after its frame's head instead of being copied behind it. */
const SEPARATE_PAYLOAD_BYTES = 4096;

/** Messages over one stream. */
export class MessageChannel implements StreamHandler {
  readonly stream: TransportStream;
  readonly #handler: ChannelHandler;
  readonly #decoder: FrameDecoder;
  readonly #counters = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 };
  readonly #ownPayloads: boolean;
  #reading = true;
  /** As `onHeld` was last told. */
  #held = 0;
  #maxSendBytes: number;

  /** Takes the stream over: it becomes the stream's handler. */
  constructor(stream: TransportStream, options: ChannelOptions) {
    this.stream = stream;
    this.#handler = options.handler;
    this.#decoder = new FrameDecoder({ maxMessageBytes: options.maxMessageBytes });
    this.#maxSendBytes = options.maxSendBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    this.#ownPayloads = options.ownPayloads ?? false;
    stream.setHandler(this);
  }

  /** Opens a stream of the connection as a channel. */
  static open(connection: TransportConnection, options: ChannelOptions): MessageChannel {
    const early = new EarlyHandler();
    const channel = new MessageChannel(connection.openStream(early), options);
    if (early.closed) channel.onClosed();
    return channel;
  }

  get counters(): ChannelCounters {
    return this.#counters;
  }

  /** Whether frames are still read: false after a fatal error and after `stopReading`. */
  get reading(): boolean {
    return this.#reading;
  }

  /**
   * Sends a message; its bytes and those of `payload` are copied before this returns. Returns false when the stream
   * has enough buffered: wait for `onDrain`.
   * @throws ProtocolError PAYLOAD_TOO_LARGE when the peer would refuse the frame; nothing was sent.
   */
  send(message: Message, payload: Uint8Array | null = null): boolean {
    const separate = payload !== null && payload.length >= SEPARATE_PAYLOAD_BYTES;
    const frame = separate ? encodeHead(message, payload.length) : encodeFrame(message, payload);
    this.#count(message, frame.length + (separate ? payload.length : 0));
    const ready = this.stream.write(frame);
    return separate ? this.stream.write(payload) : ready;
  }

  /** Sends a message without payload that nobody waits for: with the next one of its stream, or in a few milliseconds. */
  sendLater(message: Message): boolean {
    const frame = encodeFrame(message, null);
    this.#count(message, frame.length);
    return this.stream.writeLater(frame);
  }

  /** Sends FIN after all that was sent. */
  end(): void {
    this.stream.end();
  }

  /** Drops everything that still arrives, the rest of the chunk at hand included. */
  stopReading(): void {
    this.#reading = false;
  }

  /** Longest body accepted from the next frame on: a small one before the handshake, the agreed one after it. */
  setMaxMessageBytes(bytes: number): void {
    this.#decoder.setMaxMessageBytes(bytes);
  }

  /** Longest body the peer accepts, as its acknowledgement of the handshake says. */
  setMaxSendBytes(bytes: number): void {
    this.#maxSendBytes = bytes;
  }

  onData(bytes: Uint8Array): void {
    if (!this.#reading) return;
    this.#counters.bytesIn += bytes.length;
    try {
      this.#decoder.push(bytes, this.#onBody);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(error);
    }
    if (this.#decoder.bufferedBytes !== this.#held) this.#tellHeld(this.#decoder.bufferedBytes);
  }

  onEnd(): void {
    if (this.#reading && this.#decoder.bufferedBytes > 0) {
      this.#fail(new FrameError('PROTOCOL_ERROR', 'the stream ended inside a frame'));
    }
    this.#handler.onEnd?.();
  }

  onReset(code: number): void {
    this.#reading = false;
    this.#handler.onReset?.(code);
  }

  onStopped(code: number): void {
    this.#handler.onStopped?.(code);
  }

  onDrain(): void {
    this.#handler.onDrain?.();
  }

  onClosed(): void {
    this.#reading = false;
    if (this.#held > 0) this.#tellHeld(0);
    this.#handler.onClosed?.();
  }

  readonly #onBody = (bytes: Uint8Array, start: number, end: number): void => {
    if (!this.#reading) return;
    this.#counters.framesIn++;
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(bytes, start, end, this.#ownPayloads);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#handler.onProtocolError(error);
      return;
    }
    this.#handler.onMessage(envelope.message, envelope.payload, LENGTH_BYTES + end - start);
  };

  #tellHeld(held: number): void {
    const more = held - this.#held;
    this.#held = held;
    this.#handler.onHeld?.(more);
  }

  #count(message: Message, bytes: number): void {
    if (bytes - LENGTH_BYTES > this.#maxSendBytes) {
      throw tooLarge(message, bytes - LENGTH_BYTES, this.#maxSendBytes);
    }
    this.#counters.framesOut++;
    this.#counters.bytesOut += bytes;
  }

  #fail(error: FrameError): void {
    this.#reading = false;
    this.#handler.onProtocolError(error);
  }
}

/** Stands in until the channel has its stream; a dead connection may end the stream at once. */
class EarlyHandler implements StreamHandler {
  closed = false;
  onData(): void {}
  onEnd(): void {}
  onReset(): void {}
  onStopped(): void {}
  onDrain(): void {}
  onClosed(): void {
    this.closed = true;
  }
}

function tooLarge(message: Message, bytes: number, limit: number): ProtocolError {
  return new ProtocolError(
    'PAYLOAD_TOO_LARGE',
    `${message.type} of ${bytes} bytes is over the peer's limit of ${limit}`,
    {
      messageType: message.type,
      taskId: 'taskId' in message ? message.taskId : undefined,
      requestId: 'requestId' in message ? message.requestId : undefined,
    },
  );
}
