import { performance } from 'node:perf_hooks';
import {
  type BulkClient,
  decodeReceived,
  type EchoClient,
  encodeReceived,
  type Received,
  RECEIVED_BYTES,
} from './peer.js';

/** What TLS over TCP and QUIC have in common: an ordered stream of bytes with backpressure, both ways. */
export interface ByteStream {
  /** False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  end(): void;
}

export interface ByteStreamEvents {
  /** `bytes` is valid during the call only. */
  onData(bytes: Uint8Array): void;
  onDrain(): void;
  /** Nothing more will happen on this stream. */
  onClosed(reason: string): void;
}

export type OpenByteStream = (events: ByteStreamEvents) => ByteStream;

/** The first byte of a stream says what the server does with the rest. */
const ECHO = 0x45;
const COUNT = 0x43;

/** Sent as one write: what a bulk sender of either protocol passes at a time. */
const BULK_CHUNK_BYTES = 64 * 1024;

/** Cuts a stream of bytes into messages of one size. */
export class MessageCutter {
  readonly #partial: Uint8Array;
  #filled = 0;

  constructor(
    readonly messageBytes: number,
    readonly onMessage: (message: Uint8Array) => void,
  ) {
    this.#partial = new Uint8Array(messageBytes);
  }

  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      const take = Math.min(this.messageBytes - this.#filled, bytes.length - offset);
      if (take === this.messageBytes) {
        this.onMessage(bytes.subarray(offset, offset + take));
      } else {
        this.#partial.set(bytes.subarray(offset, offset + take), this.#filled);
        this.#filled += take;
        if (this.#filled === this.messageBytes) {
          this.#filled = 0;
          this.onMessage(this.#partial);
        }
      }
      offset += take;
    }
  }
}

/** Server side of one stream: sends back what comes, or counts it and says at the end how much it was. */
export class ServedStream {
  readonly #stream: ByteStream;
  #role: number | null = null;
  #bytes = 0;
  #firstAt = 0;
  #lastAt = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  handleData(bytes: Uint8Array): void {
    if (this.#role === ECHO) {
      this.#stream.write(bytes);
      return;
    }
    if (this.#role === null) {
      this.#role = bytes[0] ?? null;
      if (bytes.length > 1) this.handleData(bytes.subarray(1));
      return;
    }
    this.#lastAt = performance.now();
    if (this.#bytes === 0) this.#firstAt = this.#lastAt;
    this.#bytes += bytes.length;
  }

  handleEnd(): void {
    if (this.#role === COUNT) {
      this.#stream.write(encodeReceived({ bytes: this.#bytes, elapsedMs: this.#lastAt - this.#firstAt }));
    }
    this.#stream.end();
  }
}

/** An echo over one stream that stays open. `exchange` throws when the stream is gone. */
export function byteStreamEcho(
  open: OpenByteStream,
  messageBytes: number,
): Omit<EchoClient, 'close'> & { end(): void } {
  let handleReply: (reply: Uint8Array) => void = () => undefined;
  let closed: string | null = null;
  const cutter = new MessageCutter(messageBytes, (reply) => handleReply(reply));
  const stream = open({
    onData: (bytes) => cutter.push(bytes),
    onDrain: () => undefined,
    onClosed: (reason) => {
      closed = reason;
    },
  });
  stream.write(Uint8Array.of(ECHO));
  return {
    exchange(message, onReply) {
      if (closed !== null) throw new Error(`echo stream is gone: ${closed}`);
      handleReply = onReply;
      stream.write(message);
    },
    end: () => stream.end(),
  };
}

/** Fills a new stream for `durationMs`, ends it and resolves with the receiver's count. */
export const byteStreamTransfer =
  (open: OpenByteStream): BulkClient['transfer'] =>
  (durationMs) =>
    new Promise<Received>((resolve, reject) => {
      const chunk = new Uint8Array(BULK_CHUNK_BYTES).fill(0x61);
      const reply = new MessageCutter(RECEIVED_BYTES, (encoded) => resolve(decodeReceived(encoded)));
      const deadline = performance.now() + durationMs;
      let ended = false;
      const pump = () => {
        while (performance.now() < deadline) {
          if (!stream.write(chunk)) return;
        }
        if (!ended) stream.end();
        ended = true;
      };
      const stream = open({
        onData: (bytes) => reply.push(bytes),
        onDrain: pump,
        onClosed: (reason) => reject(new Error(`bulk stream ended without the receiver's count: ${reason}`)),
      });
      stream.write(Uint8Array.of(COUNT));
      pump();
    });
