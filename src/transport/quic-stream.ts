import { DONE, GONE, LIMITED, RESET, STOPPED, type NativeConnection } from './native.js';
import type { PrefixView } from './prefix-view.js';
import { SendBuffer } from './send-buffer.js';
import type { StreamHandler, TransportStream } from './transport.js';

/** `write` answers false above this many buffered bytes … */
export const HIGH_WATER_BYTES = 256 * 1024;
/**
 * … and `onDrain` follows at this many. The native side holds a congestion window of data beside, so the network is
 * not kept waiting; and what is written while nothing waits here goes to it without a copy of ours.
 */
export const LOW_WATER_BYTES = 0;
/** Writes of this size go to the native object at once when nothing waits before them: no copy of ours. */
const DIRECT_WRITE_BYTES = 16 * 1024;

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly native: NativeConnection;
  /** Of the shared read buffer: what `onData` hands out is valid only during the call. */
  readonly readView: PrefixView;
  /** The stream has bytes, FIN, reset or stop to hand over in this turn. */
  wantsWrite(stream: QuicStream): void;
  /** The same, but there is no hurry. */
  wantsWriteLater(stream: QuicStream): void;
  /** The stream may have data that was left unread. */
  wantsRead(): void;
  /** `bytes` are handed over. */
  hasRead(bytes: number): void;
  /** Whether more may be. False: the connection has had its share of this turn, and goes on in the next. */
  mayReadOn(): boolean;
  streamOver(stream: QuicStream): void;
  /** Whether application data may be sent now (established or in early data). */
  readonly writable: boolean;
}

type SendState = 'open' | 'ending' | 'over';
type ReceiveState = 'open' | 'paused' | 'over';

const SILENT: StreamHandler = {
  onData: () => undefined,
  onEnd: () => undefined,
  onReset: () => undefined,
  onStopped: () => undefined,
  onDrain: () => undefined,
  onClosed: () => undefined,
};

const EMPTY = new Uint8Array(0);
const LAST_URGENCY = 7;

export class QuicStream implements TransportStream {
  private handler: StreamHandler = SILENT;
  private sending: SendState = 'open';
  private receiving: ReceiveState = 'open';
  private readonly unsent = new SendBuffer();
  private drainDue = false;
  /** 0 (first) to 7 (last); streams without a priority of their own come last. */
  urgency = LAST_URGENCY;
  /** A mark of the WriteQueue's: the stream stands in it. */
  waitsToWrite = false;
  private incremental = true;
  private priorityDue = false;
  /** The native side knows this stream: something was sent on it or came from the peer. */
  private known: boolean;
  private closed = false;

  constructor(
    private readonly owner: StreamOwner,
    readonly id: number,
    readonly local: boolean,
  ) {
    this.known = !local;
  }

  get bufferedBytes(): number {
    return this.unsent.length;
  }

  get paused(): boolean {
    return this.receiving === 'paused';
  }

  setHandler(handler: StreamHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    if (this.sending !== 'open') return false;
    let rest = bytes;
    if (
      bytes.length >= DIRECT_WRITE_BYTES &&
      this.unsent.length === 0 &&
      this.owner.writable &&
      this.applyPriority()
    ) {
      const taken = this.owner.native.streamSend(this.id, bytes, false);
      if (taken > 0) {
        this.known = true;
        rest = bytes.subarray(taken);
      }
    }
    if (rest.length > 0) this.unsent.append(rest);
    this.owner.wantsWrite(this);
    return this.hasRoom();
  }

  writeLater(bytes: Uint8Array): boolean {
    if (this.sending !== 'open') return false;
    this.unsent.append(bytes);
    this.owner.wantsWriteLater(this);
    return this.hasRoom();
  }

  end(): void {
    if (this.sending !== 'open') return;
    this.sending = 'ending';
    this.owner.wantsWrite(this);
  }

  reset(code: number): void {
    if (this.sending === 'over') return;
    this.unsent.clear();
    // A stream the peer never heard of is opened by its own reset, so that both sides count it alike.
    if (!this.known && this.owner.writable)
      this.known = this.owner.native.streamSend(this.id, EMPTY, false) >= 0;
    if (this.known) this.owner.native.streamShutdown(this.id, 'write', code);
    this.sendingOver();
    this.owner.wantsWrite(this);
  }

  stop(code: number): void {
    if (this.receiving === 'over') return;
    if (this.known) this.owner.native.streamShutdown(this.id, 'read', code);
    this.receivingOver();
    this.owner.wantsWrite(this);
  }

  pause(): void {
    if (this.receiving === 'open') this.receiving = 'paused';
  }

  resume(): void {
    if (this.receiving !== 'paused') return;
    this.receiving = 'open';
    this.owner.wantsRead();
  }

  setPriority(urgency: number, incremental: boolean): void {
    this.urgency = Math.min(LAST_URGENCY, Math.max(0, Math.trunc(urgency)));
    this.incremental = incremental;
    this.priorityDue = true;
    if (this.known) this.applyPriority();
  }

  // ---- called by the connection

  /** Hands over what has arrived until there is no more, the handler pauses, or the stream ends. */
  read(): void {
    const { native, readView } = this.owner;
    const size = readView.buffer.length;
    while (this.receiving === 'open') {
      const count = native.streamRecv(this.id, readView.buffer);
      if (count >= 0) {
        // Read `fin` before the handler runs: it may make other native calls.
        const fin = native.fin;
        this.owner.hasRead(count);
        if (count > 0) this.handler.onData(readView.of(count));
        if (fin) this.receivingOver(() => this.handler.onEnd());
        // Less than was asked for: most likely all there was, and to ask for that costs a fifth of another read.
        else if ((count < size && !native.streamReadable(this.id)) || !this.owner.mayReadOn()) return;
      } else if (count === RESET) {
        const { code } = native;
        this.receivingOver(() => this.handler.onReset(code));
      } else {
        if (count === GONE) this.receivingOver();
        return;
      }
    }
  }

  /** Hands pending bytes and FIN to the native object: all of them, a part, or none. */
  flush(): 'done' | 'partly' | 'blocked' {
    if (this.sending === 'over') return 'done';
    if (!this.applyPriority()) return 'blocked';
    const fin = this.sending === 'ending';
    let progress: 'partly' | 'blocked' = 'blocked';
    while (this.unsent.length > 0 || fin) {
      const pending = this.unsent.pending();
      const taken = this.owner.native.streamSend(this.id, pending, fin);
      if (taken === DONE || taken === LIMITED) break;
      if (taken < 0) {
        if (taken === STOPPED) this.stoppedByPeer(this.owner.native.code);
        else this.sendingOver();
        return 'done';
      }
      this.known = true;
      progress = 'partly';
      const all = taken === pending.length;
      this.unsent.consume(taken);
      if (all && fin) this.sendingOver();
      if (all) break;
    }
    if (this.drainDue && this.unsent.length <= LOW_WATER_BYTES) {
      this.drainDue = false;
      this.handler.onDrain();
    }
    return this.unsent.length === 0 && this.sending !== 'ending' ? 'done' : progress;
  }

  /** Notices a STOP_SENDING that no write has run into. */
  checkStopped(): void {
    if (this.sending === 'over' || !this.known) return;
    if (this.owner.native.streamStopped(this.id) === STOPPED) this.stoppedByPeer(this.owner.native.code);
  }

  /** The connection is gone: the last call. */
  abandon(): void {
    if (this.closed) return;
    this.closed = true;
    this.sending = 'over';
    this.receiving = 'over';
    this.unsent.clear();
    this.handler.onClosed();
  }

  private hasRoom(): boolean {
    if (this.unsent.length <= HIGH_WATER_BYTES) return true;
    this.drainDue = true;
    return false;
  }

  private stoppedByPeer(code: number): void {
    this.unsent.clear();
    this.sendingOver(() => this.handler.onStopped(code));
  }

  private sendingOver(notify?: () => void): void {
    this.sending = 'over';
    notify?.();
    this.closeWhenOver();
  }

  private receivingOver(notify?: () => void): void {
    this.receiving = 'over';
    notify?.();
    this.closeWhenOver();
  }

  private closeWhenOver(): void {
    if (this.closed || this.sending !== 'over' || this.receiving !== 'over') return;
    this.closed = true;
    this.owner.streamOver(this);
    this.handler.onClosed();
  }

  /** False while the peer's stream limit keeps the stream from existing. */
  private applyPriority(): boolean {
    if (!this.priorityDue) return true;
    if (!this.owner.native.streamPriority(this.id, this.urgency, this.incremental)) return false;
    this.priorityDue = false;
    this.known = true;
    return true;
  }
}
