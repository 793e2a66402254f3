import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { isIPv6 } from 'node:net';
import { performance } from 'node:perf_hooks';
import { DelayLine } from './delay-line.js';
import { arrivals, type Impairment, PERFECT_PATH, seededRandom, withChanges } from './impairment.js';

export type Direction = 'toServer' | 'toClient';

/** Counts of datagrams; a duplicate is one more `delivered`. */
export interface DirectionStats {
  readonly received: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Dropped because more than `maxInFlight` datagrams were on their way. */
  readonly overflowed: number;
}

export interface LossyProxyOptions {
  /** `HOST:PORT` of the server, an IP address, IPv6 in brackets. */
  readonly target: string;
  /** The same seed and the same order of datagrams give the same losses. */
  readonly seed: number;
  readonly toServer?: Partial<Impairment>;
  readonly toClient?: Partial<Impairment>;
  /** Datagrams on their way in both directions together; default 100,000. */
  readonly maxInFlight?: number;
}

interface Flight {
  readonly direction: Direction;
  readonly send: () => void;
}

const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * A UDP path with faults, on loopback: clients send to `address`, each gets a port of its own towards the server.
 * Delay, loss, reordering and duplication can be set for each direction and changed at any time; bandwidth is not limited.
 */
export class LossyProxy {
  readonly #front: Socket;
  readonly #targetHost: string;
  readonly #targetPort: number;
  readonly #random: () => number;
  readonly #maxInFlight: number;
  readonly #impairments: Record<Direction, Impairment>;
  readonly #stats: Record<Direction, Record<keyof DirectionStats, number>> = {
    toServer: { received: 0, delivered: 0, lost: 0, duplicated: 0, overflowed: 0 },
    toClient: { received: 0, delivered: 0, lost: 0, duplicated: 0, overflowed: 0 },
  };
  /** The socket towards the server for each client, by the client's address and port. */
  readonly #backs = new Map<string, Socket>();
  readonly #line = new DelayLine<Flight>();
  readonly #arrivals = new EventEmitter<{ datagram: [] }>();
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs: number | null = null;
  #closed = false;

  private constructor(front: Socket, options: LossyProxyOptions) {
    const { host, port } = splitAddress(options.target);
    this.#front = front;
    this.#targetHost = host;
    this.#targetPort = port;
    this.#random = seededRandom(options.seed);
    this.#maxInFlight = options.maxInFlight ?? 100_000;
    this.#impairments = {
      toServer: withChanges(PERFECT_PATH, options.toServer ?? {}),
      toClient: withChanges(PERFECT_PATH, options.toClient ?? {}),
    };
    front.on('message', (bytes, from) => {
      const back = this.#backFor(from.address, from.port);
      this.#carry('toServer', () => back.send(bytes, this.#targetPort, this.#targetHost, ignoreRefusal));
    });
  }

  /** Binds a free loopback port of the target's address family. */
  static async listen(options: LossyProxyOptions): Promise<LossyProxy> {
    const v6 = isIPv6(splitAddress(options.target).host);
    const front = bufferedSocket(v6);
    const proxy = new LossyProxy(front, options);
    // Before bind: the lookup answers at once, and then the event is emitted inside.
    const listening = once(front, 'listening');
    front.bind(0, v6 ? '::1' : '127.0.0.1');
    await listening;
    return proxy;
  }

  /** `HOST:PORT` for clients, IPv6 in brackets. */
  get address(): string {
    const { address, port, family } = this.#front.address();
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** From now on; datagrams already on their way are not touched. */
  set(changes: Partial<Impairment>, directions: readonly Direction[] = ['toServer', 'toClient']): void {
    for (const direction of directions) {
      this.#impairments[direction] = withChanges(this.#impairments[direction], changes);
    }
  }

  stats(direction: Direction): DirectionStats {
    return { ...this.#stats[direction] };
  }

  /** Resolves when `received` of the direction has reached `count`. */
  async untilReceived(direction: Direction, count: number): Promise<void> {
    while (this.#stats[direction].received < count) await once(this.#arrivals, 'datagram');
  }

  /** Drops what is on its way and releases every socket. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#line.clear();
    await Promise.all([this.#front, ...this.#backs.values()].map(closeSocket));
    this.#backs.clear();
  }

  #backFor(clientHost: string, clientPort: number): Socket {
    const client = `${clientHost} ${clientPort}`;
    const known = this.#backs.get(client);
    if (known !== undefined) return known;
    const back = bufferedSocket(isIPv6(this.#targetHost));
    back.on('message', (bytes) =>
      this.#carry('toClient', () => this.#front.send(bytes, clientPort, clientHost, ignoreRefusal)),
    );
    this.#backs.set(client, back);
    return back;
  }

  #carry(direction: Direction, send: () => void): void {
    const stats = this.#stats[direction];
    stats.received++;
    const copies = arrivals(this.#impairments[direction], this.#random);
    if (copies.length === 0) stats.lost++;
    if (copies.length > 1) stats.duplicated++;
    this.#arrivals.emit('datagram');
    const now = performance.now();
    for (const delayMs of copies) {
      if (delayMs === 0) {
        stats.delivered++;
        send();
      } else if (this.#line.size >= this.#maxInFlight) {
        stats.overflowed++;
      } else {
        this.#line.add(now + delayMs, { direction, send });
      }
    }
    this.#arm();
  }

  /** One timer, for the first datagram due. */
  #arm(): void {
    const due = this.#line.nextDueMs;
    if (due === this.#timerDueMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueMs = due;
    this.#timer =
      due === null ? null : setTimeout(() => this.#deliverDue(), Math.max(0, due - performance.now()));
  }

  #deliverDue(): void {
    // The timer may have fired a little early; then nothing is due yet and it waits for the rest.
    this.#timerDueMs = null;
    for (const { direction, send } of this.#line.takeDue(performance.now())) {
      this.#stats[direction].delivered++;
      send();
    }
    this.#arm();
  }
}

function bufferedSocket(v6: boolean): Socket {
  return createSocket({
    type: v6 ? 'udp6' : 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // Addresses are numbers already: without this each send goes through the resolver's thread pool.
    lookup: (address, _options, callback) => callback(null, address, v6 ? 6 : 4),
  });
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** A send that fails (the receiver is gone, the buffers are full) is a lost datagram, as on any path. */
function ignoreRefusal(): void {
  /* lost */
}

function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new RangeError(`${address}: not HOST:PORT`);
  return { host, port: Number(match?.[3]) };
}
