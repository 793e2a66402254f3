import type { DatagramHandler, DatagramPort } from '../../src/transport/datagram-port.js';
import { MAX_DATAGRAM_BYTES } from '../../src/transport/datagram-port.js';
import { arrivals, PERFECT_PATH, seededRandom, withChanges, type Impairment } from './impairment.js';

/** Datagram ports joined in memory: the transport's own code runs over them without a socket. */
export class MemoryNetwork {
  impairment: Impairment;
  /** Datagrams handed to the network. */
  sent = 0;
  private readonly ports = new Map<string, MemoryPort>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly random: () => number;
  private nextPort = 40_000;

  /** Delays are real time: the native side reads the machine's clock. */
  constructor(changes: Partial<Impairment> = {}, seed = 1) {
    this.impairment = withChanges(PERFECT_PATH, changes);
    this.random = seededRandom(seed);
  }

  open(host = '127.0.0.1', port = this.nextPort++): MemoryPort {
    const opened = new MemoryPort(this, host, port);
    this.ports.set(`${host}:${String(port)}`, opened);
    return opened;
  }

  /** Every datagram that was handed to the network; for tests that look at or replay them. */
  readonly log: { readonly from: number; readonly to: number; readonly datagram: Buffer }[] = [];
  recording = false;

  carry(from: MemoryPort, datagram: Buffer, host: string, port: number): void {
    this.sent++;
    if (this.recording) this.log.push({ from: from.port, to: port, datagram: Buffer.from(datagram) });
    for (const delayMs of arrivals(this.impairment, this.random)) {
      this.later(delayMs, () => {
        this.ports.get(`${host}:${String(port)}`)?.deliver(Buffer.from(datagram), from);
      });
    }
  }

  forget(port: MemoryPort): void {
    this.ports.delete(`${port.host}:${String(port.port)}`);
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.ports.clear();
  }

  private later(ms: number, deliver: () => void): void {
    if (ms === 0) {
      setImmediate(deliver);
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      deliver();
    }, ms);
    this.timers.add(timer);
  }
}

export class MemoryPort implements DatagramPort {
  readonly sendBuffer = Buffer.alloc(MAX_DATAGRAM_BYTES);
  private handler: DatagramHandler | null = null;

  constructor(
    private readonly network: MemoryNetwork,
    readonly host: string,
    readonly port: number,
  ) {}

  setHandler(handler: DatagramHandler): void {
    this.handler = handler;
  }

  send(length: number, host: string, port: number): boolean {
    this.network.carry(this, Buffer.from(this.sendBuffer.subarray(0, length)), host, port);
    return true;
  }

  deliver(datagram: Buffer, from: MemoryPort): void {
    this.handler?.onDatagram(datagram, from.host, from.port);
    // a socket takes the memory back
    datagram.fill(0);
  }

  close(): Promise<void> {
    this.network.forget(this);
    return Promise.resolve();
  }
}
