import { MessageChannel } from '../../src/protocol/channel.js';
import type { ProtocolError } from '../../src/protocol/errors.js';
import type { Message, MessageOf, StreamPurpose } from '../../src/protocol/messages.js';
import type { CloseInfo, TransportConnection } from '../../src/transport/transport.js';

interface Heard {
  readonly message: Message;
  readonly payload: Uint8Array | null;
}

/** One side's stream: says what it likes, keeps what it hears. */
export class Line {
  readonly heard: Heard[] = [];
  ended = false;
  readonly #waiting: (() => void)[] = [];
  readonly channel: MessageChannel;

  constructor(make: (handler: ConstructorParameters<typeof MessageChannel>[1]) => MessageChannel) {
    this.channel = make({
      maxMessageBytes: 64 * 1024 * 1024,
      handler: {
        onMessage: (message, payload) => {
          this.heard.push({ message, payload: payload === null ? null : Uint8Array.from(payload) });
          for (const wake of this.#waiting.splice(0)) wake();
        },
        onProtocolError: (error: ProtocolError) => {
          throw error;
        },
        onEnd: () => (this.ended = true),
      },
    });
  }

  send(message: Message, payload: Uint8Array | null = null): boolean {
    return this.channel.send(message, payload);
  }

  of<T extends Message['type']>(type: T): MessageOf<T>[] {
    return this.heard
      .map(({ message }) => message)
      .filter((message) => message.type === type) as MessageOf<T>[];
  }

  /** The next message of this type, now or later; it is taken out. */
  async next<T extends Message['type']>(type: T): Promise<MessageOf<T>> {
    for (;;) {
      const at = this.heard.findIndex(({ message }) => message.type === type);
      if (at >= 0) return this.heard.splice(at, 1)[0]?.message as MessageOf<T>;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when `count` messages in all have come and were not taken out. */
  async count(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** An agent or client that speaks the protocol as the test tells it. Takes the connection's handler. */
export class Speaker {
  readonly control: Line;
  /** Streams that the coordinator opened. */
  readonly incoming: Line[] = [];
  readonly established: Promise<void>;
  readonly closed: Promise<CloseInfo>;
  closeInfo: CloseInfo | null = null;

  constructor(readonly connection: TransportConnection) {
    let established: () => void = () => undefined;
    let closed: (info: CloseInfo) => void = () => undefined;
    this.established = new Promise((resolve) => (established = resolve));
    this.closed = new Promise((resolve) => (closed = resolve));
    connection.setHandler({
      onEstablished: () => established(),
      onStream: (stream) => {
        this.incoming.push(new Line((options) => new MessageChannel(stream, options)));
      },
      onClosed: (info) => {
        this.closeInfo = info;
        closed(info);
      },
    });
    this.control = this.open();
  }

  /** Opens a stream, and says what it is for. */
  open(purpose?: StreamPurpose): Line {
    const line = new Line((options) => MessageChannel.open(this.connection, options));
    if (purpose !== undefined) line.send({ type: 'StreamOpen', purpose });
    return line;
  }
}

export const CLIENT_HELLO: MessageOf<'ClientHandshake'> = {
  type: 'ClientHandshake',
  protocolVersions: [1],
  clientId: 'client-1',
  software: 'test',
};

export const AGENT_HELLO: MessageOf<'AgentHandshake'> = {
  type: 'AgentHandshake',
  protocolVersions: [1],
  agentId: 'agent-1',
  agentType: 'worker',
  kinds: ['compute'],
  concurrency: 4,
  software: 'test',
};
