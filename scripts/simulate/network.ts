import type { Message } from '../../src/protocol/messages.js';
import type { CloseInfo } from '../../src/transport/transport.js';
import type { Agenda } from './agenda.js';
import type { Luck } from './luck.js';
import type { Process } from './process.js';

/** After this much silence a connection is over, on each side for itself. */
export const IDLE_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 10_000;
/** A peer of a process that has died sometimes learns it at once, else by silence. */
const SHARE_OF_QUICK_ENDS = 0.5;

const TIMED_OUT: CloseInfo = { by: 'timeout', layer: 'transport', code: 0, reason: 'nothing heard' };
const UNREACHABLE: CloseInfo = { by: 'timeout', layer: 'transport', code: 0, reason: 'nobody listens' };

/** The way between a peer and the coordinator; dark while nothing gets through. */
export class Path {
  readonly wires = new Set<Wire>();
  readonly #agenda: Agenda;
  readonly #luck: Luck;
  #darkSince: number | null = null;
  #darkUntil = 0;

  constructor(agenda: Agenda, luck: Luck) {
    this.#agenda = agenda;
    this.#luck = luck;
  }

  get darkSince(): number | null {
    return this.#darkSince;
  }

  goDark(ms: number): void {
    if (this.#darkSince !== null) return;
    this.#darkSince = this.#agenda.now;
    this.#darkUntil = this.#agenda.now + ms;
    if (ms > IDLE_TIMEOUT_MS) for (const wire of this.wires) wire.timeOut();
    this.#agenda.after(ms, () => (this.#darkSince = null));
  }

  /** When something sent now arrives: usually within a millisecond, now and then much later; after the dark if it is dark. */
  arrival(): number {
    const delayMs = this.#luck.chance(0.01) ? this.#luck.between(5, 80) : this.#luck.between(0.1, 1);
    return Math.max(this.#agenda.now, this.#darkUntil) + delayMs;
  }

  get luck(): Luck {
    return this.#luck;
  }
}

export type Side = 'coordinator' | 'peer';

/** One side of a connection: a life of a process, and what it hears. */
export interface WireEnd {
  readonly process: Process;
  readonly life: number;
  /** The connection is over; nothing comes after it. */
  closed(info: CloseInfo): void;
}

export interface PeerEnd extends WireEnd {
  /** Who it is, for checks and stories. */
  readonly name: string;
  /** The handshake of the transport is complete. */
  established(wire: Wire): void;
  /** `lane`: the stream on which it came; null for one of its own. */
  receive(wire: Wire, message: Message, payload: Uint8Array | undefined, lane: string | null): void;
}

/** One connection. Messages of one lane arrive in their order, those of different lanes may overtake each other. */
export class Wire {
  readonly #agenda: Agenda;
  readonly #path: Path;
  readonly #ends: { readonly coordinator: WireEnd; readonly peer: PeerEnd };
  readonly #open: Record<Side, boolean> = { coordinator: true, peer: true };
  readonly #lastArrival: Record<Side, Map<string, number>> = { coordinator: new Map(), peer: new Map() };
  readonly #openedAt: number;
  #lastHeardAt: number;
  /** Nothing of the peer's arrives before, early data excepted. */
  #establishedAt = 0;

  constructor(
    readonly id: string,
    agenda: Agenda,
    path: Path,
    ends: { readonly coordinator: WireEnd; readonly peer: PeerEnd },
  ) {
    this.#agenda = agenda;
    this.#path = path;
    this.#ends = ends;
    this.#openedAt = agenda.now;
    this.#lastHeardAt = agenda.now;
    path.wires.add(this);
  }

  get peer(): PeerEnd {
    return this.#ends.peer;
  }

  isOpen(side: Side): boolean {
    return this.#open[side];
  }

  /** When the coordinator last got a packet of it: a message, or one that only keeps the connection alive. */
  heardAt(): number {
    const { process, life } = this.#ends.peer;
    const quietSince =
      process.alive && process.life === life
        ? Math.min(process.stalledSince ?? Infinity, this.#path.darkSince ?? Infinity)
        : this.#lastHeardAt;
    const until = Math.min(quietSince, this.#agenda.now);
    const lastKeepAlive = until - ((until - this.#openedAt) % KEEP_ALIVE_MS);
    return Math.max(this.#lastHeardAt, lastKeepAlive);
  }

  toPeer(lane: string | null, message: Message, payload: Uint8Array | undefined): void {
    this.#send('coordinator', lane, () => this.#ends.peer.receive(this, message, payload, lane));
  }

  toCoordinator(lane: string | null, deliver: () => void): void {
    this.#send('peer', lane, deliver);
  }

  /** The transport's handshake: the peer learns first that it is complete, then the coordinator. */
  establish(coordinatorLearns: () => void): void {
    this.#send('coordinator', 'control', () => {
      const at = this.#path.arrival();
      this.#establishedAt = at;
      this.#agenda.at(at, () => this.#arrive('coordinator', coordinatorLearns));
      this.#ends.peer.established(this);
    });
  }

  /** This side closes: it hears nothing more, the other one learns it after all that was sent. */
  close(from: Side, code: number, reason: string): void {
    if (!this.#open[from]) return;
    this.#shut(from);
    const at = Math.max(this.#path.arrival(), ...this.#lastArrival[from].values());
    const info: CloseInfo = { by: 'peer', layer: 'application', code, reason };
    this.#agenda.at(at, () => this.#tellClosed(other(from), info));
  }

  /** The process of this side is gone without a word. */
  vanish(side: Side): void {
    if (!this.#open[side]) return;
    this.#shut(side);
    const { luck } = this.#path;
    const ms = luck.chance(SHARE_OF_QUICK_ENDS) ? luck.between(5, 2000) : IDLE_TIMEOUT_MS;
    this.#agenda.after(ms, () => this.#tellClosed(other(side), TIMED_OUT));
  }

  /** The path is dark for longer than a connection lasts. */
  timeOut(): void {
    for (const side of ['coordinator', 'peer'] as const) {
      const ms = IDLE_TIMEOUT_MS + this.#path.luck.between(0, 1000);
      this.#agenda.after(ms, () => this.#tellClosed(side, TIMED_OUT));
    }
  }

  #send(from: Side, lane: string | null, deliver: () => void): void {
    if (!this.#open[from]) return;
    let at = this.#path.arrival();
    if (from === 'peer') at = Math.max(at, this.#establishedAt);
    if (lane !== null) {
      const last = this.#lastArrival[from];
      at = Math.max(at, last.get(lane) ?? 0);
      last.set(lane, at);
    }
    this.#agenda.at(at, () => this.#arrive(other(from), deliver));
  }

  #arrive(to: Side, deliver: () => void): void {
    const { process, life } = this.#ends[to];
    process.arrive(life, () => {
      if (!this.#open[to]) return;
      if (to === 'coordinator') this.#lastHeardAt = this.#agenda.now;
      deliver();
    });
  }

  #tellClosed(side: Side, info: CloseInfo): void {
    const end = this.#ends[side];
    end.process.arrive(end.life, () => {
      if (!this.#open[side]) return;
      this.#shut(side);
      end.closed(info);
    });
  }

  #shut(side: Side): void {
    this.#open[side] = false;
    if (!this.#open.coordinator && !this.#open.peer) this.#path.wires.delete(this);
  }
}

/** What a peer may connect to. */
export interface Acceptor extends Process {
  /** The coordinator's end of a connection that is about to be. */
  endOf(connectionId: string): WireEnd;
  opened(wire: Wire, early: boolean): void;
  established(wire: Wire): void;
}

/** A first flight of packets with early data in it. */
export interface FirstFlight {
  /** Called when it is at the coordinator, before the peer has shown that it lives. */
  early(wire: Wire): void;
  /** The handshake goes on; a recording cannot do that. */
  readonly completes: boolean;
}

/** Connections between peers and the one coordinator. */
export class Network {
  readonly #agenda: Agenda;
  #connections = 0;
  acceptor: Acceptor | null = null;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  /**
   * Begins to connect: `established` follows, or `closed` when nobody listens, or nothing when the path stays dark.
   */
  connect(path: Path, peer: PeerEnd, firstFlight: FirstFlight | null): void {
    this.#agenda.at(path.arrival(), () => {
      const { acceptor } = this;
      if (acceptor === null || !acceptor.alive) {
        if (!path.luck.chance(SHARE_OF_QUICK_ENDS)) return;
        this.#agenda.at(path.arrival(), () => peer.process.arrive(peer.life, () => peer.closed(UNREACHABLE)));
        return;
      }
      acceptor.arrive(acceptor.life, () => {
        const connectionId = `connection-${++this.#connections}`;
        const ends = { coordinator: acceptor.endOf(connectionId), peer };
        const wire = new Wire(connectionId, this.#agenda, path, ends);
        acceptor.opened(wire, firstFlight !== null);
        firstFlight?.early(wire);
        if (firstFlight?.completes ?? true) wire.establish(() => acceptor.established(wire));
      });
    });
  }
}

function other(side: Side): Side {
  return side === 'coordinator' ? 'peer' : 'coordinator';
}
