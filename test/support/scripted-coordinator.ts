import { MessageChannel } from '../../src/protocol/channel.js';
import type { Message, MessageOf, MessageType } from '../../src/protocol/messages.js';
import type { TransportConnection } from '../../src/transport/transport.js';
import { MemoryStream, type MemoryNetwork } from './memory-transport.js';

export interface Received {
  readonly message: Message;
  readonly payload: Uint8Array | null;
  /** Of all streams of the connection, in the order they appeared: 0 is control. */
  readonly stream: number;
}

/** One connection as the coordinator sees it: everything that came, and channels to answer on. */
export class ScriptedPeer {
  readonly received: Received[] = [];
  readonly channels: MessageChannel[] = [];
  /** Streams whose sending side the peer has finished. */
  readonly ended = new Set<number>();
  readonly errors: string[] = [];

  constructor(
    readonly connection: TransportConnection,
    script: (peer: ScriptedPeer, received: Received) => void,
  ) {
    const add = (made: (handler: ConstructorParameters<typeof MessageChannel>[1]) => MessageChannel) => {
      const stream = this.channels.length;
      const channel = made({
        maxMessageBytes: 1 << 26,
        handler: {
          onMessage: (message, payload) => {
            const received = { message, payload: payload === null ? null : Uint8Array.from(payload), stream };
            this.received.push(received);
            script(this, received);
          },
          onProtocolError: (error) => this.errors.push(error.name),
          onEnd: () => this.ended.add(stream),
        },
      });
      this.channels.push(channel);
      return channel;
    };
    this.open = () => add((options) => MessageChannel.open(connection, options));
    connection.setHandler({
      onEstablished: () => undefined,
      onStream: (stream) => void add((options) => new MessageChannel(stream, options)),
      onClosed: () => undefined,
    });
  }

  /** Opens a stream to the peer. */
  readonly open: () => MessageChannel;

  /** Sends on control. */
  send(message: Message, payload: Uint8Array | null = null): void {
    this.channel(0).send(message, payload);
  }

  channel(stream: number): MessageChannel {
    const channel = this.channels[stream];
    if (channel === undefined) throw new Error(`no stream ${stream}`);
    return channel;
  }

  /** The peer's side of a stream, as set up by the peer. */
  priorityOf(stream: number): number | null {
    const end = this.channel(stream).stream;
    return end instanceof MemoryStream ? (end.peer.priority?.urgency ?? null) : null;
  }

  of<T extends MessageType>(type: T): MessageOf<T>[] {
    return this.received
      .map(({ message }) => message)
      .filter((message): message is MessageOf<T> => message.type === type);
  }
}

/** A coordinator that does what a test says. */
export class ScriptedCoordinator {
  readonly peers: ScriptedPeer[] = [];

  constructor(
    network: MemoryNetwork,
    address: string,
    script: (peer: ScriptedPeer, received: Received) => void,
  ) {
    network
      .listen(address)
      .onConnection((connection) => void this.peers.push(new ScriptedPeer(connection, script)));
  }

  /** The newest connection. */
  get peer(): ScriptedPeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('nobody connected');
    return peer;
  }
}
