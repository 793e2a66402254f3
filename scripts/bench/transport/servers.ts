import { Child } from '../lib/child.js';
import type { TlsMaterial } from './certificate.js';
import { startGrpcServer } from './peers/grpc.js';
import type { StartPeerServer } from './peers/peer.js';
import { startQuicServer } from './peers/quic.js';
import { startTlsServer } from './peers/tls.js';
import { startUdpServer } from './peers/udp.js';
import { startWsServer } from './peers/ws.js';

/** A datagram size for an unknown path. */
export const UNKNOWN_PATH_BYTES = 1350;

/** Every server a measurement can ask for; each gets a process, a heap and a compiler of its own. */
export const startServer = {
  quic: (tls) => startQuicServer(tls, 'auto'),
  'quic-1350': (tls) => startQuicServer(tls, UNKNOWN_PATH_BYTES),
  'quic-asleep': (tls) => startQuicServer(tls, 'auto', false),
  udp: startUdpServer,
  tls: startTlsServer,
  ws: startWsServer,
  grpc: startGrpcServer,
} as const satisfies Record<string, StartPeerServer>;

export type Protocol = keyof typeof startServer;

export interface ServerTask {
  readonly protocol: Protocol;
  readonly tls: TlsMaterial;
}

/** The processes of one run, started when first asked for. */
export class Servers {
  readonly #tls: TlsMaterial;
  readonly #children = new Map<Protocol, Promise<Child<string>>>();

  constructor(tls: TlsMaterial) {
    this.#tls = tls;
  }

  /** `127.0.0.1:PORT` of the protocol's server. */
  async address(protocol: Protocol): Promise<string> {
    let child = this.#children.get(protocol);
    if (child === undefined) {
      const task: ServerTask = { protocol, tls: this.#tls };
      child = Child.start(new URL('./server.js', import.meta.url), `${protocol} server`, task, parseAddress);
      this.#children.set(protocol, child);
    }
    return (await child).ready;
  }

  /** Process ids of the servers that were started. */
  async pids(): Promise<number[]> {
    const children = await Promise.all(this.#children.values());
    return children.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  async stop(): Promise<void> {
    // A process that never started has nothing to stop; whoever asked for it was told.
    const started = await Promise.allSettled(this.#children.values());
    const children = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    await Promise.all(children.map((child) => child.stop()));
  }
}

function parseAddress(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'address' in message) {
    if (typeof message.address === 'string') return message.address;
  }
  throw new Error('a server process did not say its address');
}

export function parseServerTask(message: unknown): ServerTask {
  if (typeof message === 'object' && message !== null && 'protocol' in message && 'tls' in message) {
    const protocol = Object.keys(startServer).find((name): name is Protocol => name === message.protocol);
    const { tls } = message;
    if (protocol !== undefined && isTlsMaterial(tls)) return { protocol, tls };
  }
  throw new Error('not a server task');
}

function isTlsMaterial(value: unknown): value is TlsMaterial {
  return typeof value === 'object' && value !== null && 'key' in value && 'cert' in value && 'ca' in value;
}
