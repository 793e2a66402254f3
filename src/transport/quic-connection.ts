import type { X509Certificate } from 'node:crypto';
import { AckDebt } from './ack-debt.js';
import { connectionStats } from './connection-stats.js';
import type { ConnectionHost, ConnectionOptions } from './connection-host.js';
import { closeInfoOf, INTERNAL_ERROR_CODE, tlsAlertCode } from './close-info.js';
import { formatAddress } from './datagram-port.js';
import { Liveness } from './liveness.js';
import { DONE, PROBE_STREAMS, type HostPort, type NativeConnection } from './native.js';
import { certificateOf } from './peer-certificate.js';
import { QuicStream, type StreamOwner } from './quic-stream.js';
import type { PrefixView } from './prefix-view.js';
import { ReadShare } from './read-share.js';
import { StopSweep } from './stop-sweep.js';
import { TicketWatch } from './ticket-watch.js';
import { WriteQueue } from './write-queue.js';
import type {
  CloseInfo,
  ConnectionHandler,
  ConnectionState,
  ConnectionStats,
  PeerCertificate,
  StreamHandler,
  TransportConnection,
  TransportStream,
} from './transport.js';

/** Datagrams sent in one turn before others get theirs. */
const BURST_DATAGRAMS = 128;
/** A peer that has not proved its address and identity may make us take in no more than this. */
const HANDSHAKE_BUDGET_BYTES = 256 * 1024;
const BAD_CERTIFICATE_ALERT = 42;

type Phase =
  | { readonly name: 'handshaking' }
  | { readonly name: 'established' }
  /** Closed by us; the native object still answers late packets with CONNECTION_CLOSE. */
  | { readonly name: 'closing' }
  | { readonly name: 'closed' };

const SILENT: ConnectionHandler = {
  onEstablished: () => undefined,
  onStream: (stream) => {
    stream.stop(0);
    stream.reset(0);
  },
  onClosed: () => undefined,
};

/**
 * Drives one native connection: datagrams and timeouts in, datagrams and stream events out. It owns one timer and no
 * socket. Receiving marks the connection; all reading, writing and sending happens once a turn, in two halves, in this
 * order: handshake, reads (handlers run and write), writes, datagrams, close, timer.
 */
export class QuicConnection implements TransportConnection, StreamOwner {
  readonly readView: PrefixView;
  /** Marks of the TurnScheduler's: the connection is in the next turn, in the one that has not given out. */
  nextTurn = false;
  thisTurn = false;
  private phase: Phase = { name: 'handshaking' };
  private handler: ConnectionHandler = SILENT;
  private readonly streams = new Map<number, QuicStream>();
  private readonly writers = new WriteQueue();
  /** Handlers run: what they write leaves in this turn, no other needs to be asked for. */
  private inTurn = false;
  /** Something was written that somebody waits for. */
  private inHurry = false;
  private streamsOpened = 0;
  private nextStreamId: number;
  private readonly recvInfo: { from: HostPort; to: HostPort };
  private timer: NodeJS.Timeout | null = null;
  private timerAt = Infinity;
  private nativeDueAt = Infinity;
  private readonly liveness: Liveness;
  private handshakeBytes = 0;
  private throttled = false;
  private readonly sweep = new StopSweep();
  private readonly tickets: TicketWatch | null;
  private farewell: { readonly isApp: boolean; readonly code: number; readonly reason: string } | null = null;
  private hasEarlyData = false;
  private readonly share = new ReadShare();
  private readonly acks = new AckDebt();
  private receivedAt = performance.now();
  private greeted: boolean;
  private ended: CloseInfo | null = null;

  constructor(
    readonly native: NativeConnection,
    private readonly host: ConnectionHost,
    private readonly options: ConnectionOptions,
  ) {
    this.liveness = new Liveness(options, performance.now());
    this.greeted = options.role === 'server';
    this.tickets = options.onSession === undefined ? null : new TicketWatch(options.onSession);
    this.readView = host.readView;
    this.nextStreamId = options.role === 'client' ? 0 : 1;
    this.recvInfo = { from: options.remote, to: options.local };
    if (options.keylog !== null) native.setKeylog(options.keylog.fileFor(options.id));
  }

  // ---- TransportConnection

  get id(): string {
    return this.options.id;
  }

  get state(): ConnectionState {
    return this.phase.name;
  }

  get remoteAddress(): string {
    return this.options.peerName ?? formatAddress(this.recvInfo.from.host, this.recvInfo.from.port);
  }

  get silentMs(): number {
    return performance.now() - this.receivedAt;
  }

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  openStream(handler: StreamHandler): TransportStream {
    const stream = new QuicStream(this, this.nextStreamId, true);
    stream.setHandler(handler);
    this.nextStreamId += 4;
    this.streamsOpened++;
    this.streams.set(stream.id, stream);
    if (this.ended !== null || this.phase.name === 'closed') {
      this.streams.delete(stream.id);
      queueMicrotask(() => stream.abandon());
    }
    return stream;
  }

  close(code: number, reason: string): void {
    this.closeNative(true, code, reason);
  }

  stats(): ConnectionStats {
    return connectionStats(this.native, {
      streamsOpen: this.streams.size,
      streamsOpened: this.streamsOpened,
      datagramSize: this.options.datagramBytes,
      earlyData: this.hasEarlyData,
    });
  }

  peerCertificate(): PeerCertificate | null {
    const leaf = this.leaf();
    if (leaf === null) return null;
    return { fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(), subject: leaf.subject };
  }

  // ---- StreamOwner

  get writable(): boolean {
    if (this.phase.name === 'established') return true;
    return this.phase.name === 'handshaking' && this.options.earlyData && this.native.isInEarlyData();
  }

  wantsWrite(stream: QuicStream): void {
    this.writers.add(stream);
    this.inHurry = true;
    if (!this.inTurn) this.host.schedule(this);
  }

  wantsWriteLater(stream: QuicStream): void {
    this.writers.addLater(stream);
    this.host.delay(this);
  }

  wantsRead(): void {
    this.host.scheduleNext(this);
  }

  hasRead(bytes: number): void {
    this.share.take(bytes);
  }

  mayReadOn(): boolean {
    return this.share.mayGoOn();
  }

  streamOver(stream: QuicStream): void {
    this.streams.delete(stream.id);
  }

  // ---- called by the endpoint

  /** Takes one datagram in. Returns null, or the native error's name when it was of no use. */
  receive(datagram: Buffer, host: string, port: number): string | null {
    if (this.phase.name === 'closed') return 'Closed';
    const { from } = this.recvInfo;
    if (this.phase.name === 'handshaking') {
      this.handshakeBytes += datagram.length;
      if (this.handshakeBytes > HANDSHAKE_BUDGET_BYTES) return 'HandshakeBudget';
    }
    if (from.port !== port || from.host !== host) this.recvInfo.from = { host, port };
    const error = this.native.recv(datagram, this.recvInfo);
    const { remote } = this.options;
    if (remote.port !== port || remote.host !== host) this.native.dropPathEvents();
    // Anybody may send a copy of a packet from anywhere.
    if (error !== null) this.recvInfo.from = from;
    else {
      this.liveness.received();
      this.receivedAt = performance.now();
      this.acks.received(datagram.length);
    }
    this.host.received(this);
    return error;
  }

  /** The peer's system refused a datagram. Believed only when nothing else is heard. */
  refused(code: string): void {
    if (this.ended === null && this.liveness.refused()) {
      const reason = `connection refused: nothing listens at ${this.remoteAddress} (${code})`;
      this.drop({ by: 'timeout', layer: 'transport', code: 0, reason });
    }
  }

  /** The socket takes datagrams again. */
  unthrottle(): void {
    if (!this.throttled) return;
    this.throttled = false;
    this.host.schedule(this);
  }

  /** Hands over what has arrived, most of it before `until`. Never throws. */
  takeIn(until: number): void {
    if (this.phase.name === 'closed') return;
    // The native side derives 0-RTT keys while it makes the first flight; what was written before follows at once.
    if (!this.greeted) this.sendDatagrams();
    this.greeted = true;
    this.share.renew(until);
    this.guarded(() => {
      this.observeHandshake();
      this.readStreams();
      if (this.sweep.isNow(this.streams.size, !this.share.untouched)) this.checkStopped();
    });
  }

  /**
   * Second half of a turn: hands over what was written, sends, and sees what has become of the connection. Returns whether
   * something was sent. Never throws.
   */
  giveOut(): boolean {
    if (this.phase.name === 'closed') return false;
    this.readOn();
    if (this.canWait()) {
      this.host.delay(this);
      return false;
    }
    return this.sendNow();
  }

  /** The end of waiting for company. */
  sendAll(): void {
    this.writers.hurry();
    this.sendNow();
  }

  private sendNow(): boolean {
    if (this.phase.name === 'closed') return false;
    this.inHurry = false;
    if (this.farewell !== null) this.writers.hurry();
    this.guarded(() => this.writeStreams());
    const hasSent = this.sendDatagrams();
    if (this.farewell !== null) {
      // Last of all: a closed connection sends nothing else, and what was written before `close` is to leave first.
      const { isApp, code, reason } = this.farewell;
      this.farewell = null;
      this.native.close(isApp, code, Buffer.from(reason).subarray(0, 1024));
      this.sendDatagrams();
    }
    this.observeClose();
    this.armTimer();
    return hasSent;
  }

  turn(): void {
    this.takeIn(Infinity);
    this.readOn();
    this.sendAll();
  }

  // ---- one turn

  /** There is something to send, and nobody waits for it. */
  private canWait(): boolean {
    return (
      (this.acks.mayWait || this.writers.hasLater) &&
      this.phase.name === 'established' &&
      !this.acks.isDue &&
      !this.inHurry &&
      this.farewell === null &&
      !this.native.isDraining()
    );
  }

  /** What was left unread because the share was used up is for the next turn. */
  private readOn(): void {
    if (this.share.used) this.host.scheduleNext(this);
  }

  private guarded(work: () => void): void {
    this.inTurn = true;
    try {
      work();
    } catch (error) {
      this.closeNative(true, INTERNAL_ERROR_CODE, 'internal error');
      this.host.handlerFailed(this, error);
    }
    this.inTurn = false;
  }

  private observeHandshake(): void {
    if (this.phase.name === 'handshaking' && this.native.isEstablished()) {
      const refusal = this.options.checkPeer?.(this.leaf()) ?? null;
      if (refusal !== null) {
        this.closeNative(false, tlsAlertCode(BAD_CERTIFICATE_ALERT), refusal);
        return;
      }
      this.phase = { name: 'established' };
      // The end of the handshake leaves at once: until the client has it, it may probe in keys that the server has dropped,
      // and what travels behind such a probe is dropped with it (RFC 9000 §12.2 would have it read).
      this.inHurry = true;
      this.liveness.handshakeComplete();
      this.options.keylog?.collect(this.options.id);
      // The server has refused the ticket and so dropped the early data, which the native side finds out by what is
      // acknowledged after it. With nothing to send that takes a probe timeout; a PING brings it down to a round trip.
      if (this.hasEarlyData && this.options.role === 'client' && !this.native.isResumed()) this.native.ping();
      this.host.established(this);
      this.handler.onEstablished();
    }
    if (this.phase.name === 'established') this.tickets?.look(this.native);
  }

  private readStreams(): void {
    if (this.ended !== null || this.phase.name === 'closing' || !this.native.isReadable()) return;
    if (this.phase.name === 'handshaking') {
      // Readable before the handshake is complete: early data.
      if (this.options.role === 'client' || !this.host.admitEarly(this)) return;
      this.hasEarlyData = true;
    }
    if (this.streams.size <= PROBE_STREAMS) {
      for (const stream of this.streams.values()) {
        if (stream.paused || !this.native.streamReadable(stream.id)) continue;
        stream.read();
        if (!this.share.used) continue;
        // The others come first in the next turn.
        if (this.streams.delete(stream.id)) this.streams.set(stream.id, stream);
        return;
      }
      if (!this.native.isReadable()) return;
    }
    for (const id of this.native.readable()) {
      if (this.share.used) return;
      const stream = this.streams.get(id) ?? this.acceptStream(id);
      if (stream !== null && !stream.paused) stream.read();
    }
  }

  private acceptStream(id: number): QuicStream | null {
    const local = (id & 1) === (this.options.role === 'client' ? 0 : 1);
    if (local) return null;
    const stream = new QuicStream(this, id, false);
    this.streams.set(id, stream);
    this.streamsOpened++;
    this.handler.onStream(stream, this.phase.name === 'handshaking');
    return stream;
  }

  private checkStopped(): void {
    for (const stream of this.streams.values()) stream.checkStopped();
  }

  private writeStreams(): void {
    if (this.phase.name === 'handshaking') {
      if (this.writers.empty || !this.writable) return;
      this.hasEarlyData = true;
    }
    this.writers.flush();
    // What found no room goes on as soon as there is some.
    if (!this.writers.empty) this.inHurry = true;
  }

  private sendDatagrams(): boolean {
    if (this.throttled) return false;
    let sent = 0;
    for (; sent < BURST_DATAGRAMS; sent++) {
      const length = this.native.send(this.host.sendBuffer);
      if (length === DONE) break;
      if (!this.host.transmit(length, this.native.to)) {
        this.throttled = true;
        sent++;
        break;
      }
    }
    if (sent === 0) return false;
    this.liveness.sent(performance.now(), sent);
    this.acks.sent();
    if (sent === BURST_DATAGRAMS) this.host.schedule(this);
    return true;
  }

  private observeClose(): void {
    const over = this.native.isDraining() || this.native.isClosed();
    if (over || (this.phase.name === 'closing' && this.farewell === null)) this.notifyClosed();
    // A draining peer wants no answer; a closing connection of ours answers late packets until its timer ends.
    if (over) this.release();
  }

  private armTimer(): void {
    if (this.phase.name === 'closed') return;
    const now = performance.now();
    const timeout = this.native.timeout();
    // The native side rounds down: a timer that fires early would find nothing to do.
    this.nativeDueAt = timeout === null ? Infinity : now + timeout + 1;
    let due = Math.min(this.nativeDueAt, this.sweep.at);
    if (this.phase.name !== 'closing') due = Math.min(due, this.liveness.nextCheck());
    // Re-armed only when it must fire earlier: a timer that fires too early re-arms itself.
    if (due >= this.timerAt - 0.5) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = due;
    this.timer = due === Infinity ? null : setTimeout(this.onTimer, Math.max(1, Math.ceil(due - now)));
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    this.timerAt = Infinity;
    const now = performance.now();
    const verdict = this.phase.name === 'closing' ? null : this.liveness.check(now);
    if (verdict?.type === 'gone') {
      this.drop({ by: 'timeout', layer: 'transport', code: 0, reason: verdict.reason });
      return;
    }
    const sweeps = this.sweep.isDue(now);
    const pings = verdict?.type === 'ping';
    const isDue = now >= this.nativeDueAt;
    if (sweeps) this.checkStopped();
    if (isDue) this.native.onTimeout();
    if (pings) this.native.ping();
    // On a busy connection what the timer was armed for has long been put off.
    if (sweeps || isDue || pings) this.turn();
    else this.armTimer();
  };

  // ---- the end

  private closeNative(isApp: boolean, code: number, reason: string): void {
    if (this.ended !== null || this.phase.name === 'closing' || this.phase.name === 'closed') return;
    this.phase = { name: 'closing' };
    this.farewell = { isApp, code, reason };
    this.host.schedule(this);
  }

  /** Lets go of everything at once, without a word to the peer. */
  drop(info: CloseInfo): void {
    this.notifyClosed(info);
    this.release();
  }

  private notifyClosed(given?: CloseInfo): void {
    if (this.ended !== null) return;
    const info = given ?? closeInfoOf(this.native);
    this.ended = info;
    this.writers.clear();
    try {
      for (const stream of [...this.streams.values()]) stream.abandon();
      this.streams.clear();
      this.handler.onClosed(info);
    } catch (error) {
      this.host.handlerFailed(this, error);
    }
  }

  private release(): void {
    if (this.phase.name === 'closed') return;
    this.phase = { name: 'closed' };
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.options.keylog?.collect(this.options.id);
    this.host.released(this);
  }

  private leaf(): X509Certificate | null {
    const der = this.native.peerLeaf();
    return der === null ? null : certificateOf(der);
  }
}
