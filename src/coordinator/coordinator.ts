import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { systemClock, type Clock } from '../observe/clock.js';
import { silentLog, type Log } from '../observe/log.js';
import { ProcessLoad } from '../observe/process-load.js';
import { ERRORS } from '../protocol/errors.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Store } from '../store/store.js';
import { taskKinds } from '../tasks/registry.js';
import type { TransportConnection, TransportListener } from '../transport/transport.js';
import { admitTask } from './admission.js';
import type { Action, CoreEvent, CoreOptions } from './contract.js';
import { CoordinatorCore } from './core.js';
import { DEFAULT_CORE_OPTIONS } from './options.js';
import { PeerStreams } from './peer-streams.js';

/** A peer that lets more than this wait unread is cut off: its results stay where they are, to be asked for. */
const MAX_UNREAD_BYTES = 128 * 1024 * 1024;

export interface CoordinatorOptions extends Partial<Omit<CoreOptions, 'builtInKinds'>> {
  readonly listener: TransportListener;
  /** In memory when missing. The coordinator closes it. */
  readonly store?: Store;
  /** Agents and clients must present it. */
  readonly joinToken?: string;
  /** Name and version of the software, for status reports. */
  readonly version?: string;
  /** Datagrams dropped by the transport, by reason. */
  readonly dropped?: () => Readonly<Record<string, number>>;
  readonly log?: Log;
  readonly clock?: Clock;
}

interface Peer {
  readonly connection: TransportConnection;
  readonly streams: PeerStreams;
}

/**
 * A coordinator over any transport and store: the shell of CoordinatorCore. It feeds the core with what happens, once
 * a turn lets it decide on all of it, and carries its actions out.
 */
export class Coordinator {
  private readonly options: CoordinatorOptions;
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly store: Store;
  private readonly load = new ProcessLoad();
  private readonly peers = new Map<string, Peer>();
  private core: CoordinatorCore | null = null;
  private flushDue = false;
  private microtaskDue = false;
  private cancelTimer: (() => void) | null = null;
  private timerAt = Infinity;
  private drained: ((remaining: number) => void) | null = null;
  private closed = false;

  constructor(options: CoordinatorOptions) {
    this.options = options;
    this.log = options.log ?? silentLog;
    this.clock = options.clock ?? systemClock;
    this.store = options.store ?? new MemoryStore();
  }

  /** `HOST:PORT` that agents and clients connect to. */
  get address(): string {
    return this.options.listener.address;
  }

  /** Takes up what the store holds and begins to accept connections. Rejects when the store cannot be read. */
  async start(): Promise<void> {
    const recovered = await this.store.load();
    const { listener } = this.options;
    const given = Object.fromEntries(Object.entries(this.options).filter(([, value]) => value !== undefined));
    const coreOptions: CoreOptions = {
      ...DEFAULT_CORE_OPTIONS,
      coordinatorId: uuidv7(),
      ...given,
      builtInKinds: [...taskKinds.keys()],
    };
    this.core = new CoordinatorCore(coreOptions, this.ports(), this.clock.now(), recovered);
    this.handle({ type: 'flush' });
    listener.onTurn(() => this.flush());
    listener.onConnection((connection) => this.accept(connection, coreOptions));
  }

  /**
   * Takes no new work, tells agents and clients so, and waits for running tasks, at most `timeoutMs`.
   * Resolves with the number of leases that did not end in time.
   */
  drain(timeoutMs: number, reason: string): Promise<number> {
    if (this.core === null || this.closed) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.drained = resolve;
      this.handle({ type: 'drain', deadlineMs: timeoutMs, reason });
    });
  }

  /** Closes every connection, the listener and the store. Unfinished work stays in the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.cancelTimer?.();
    await this.options.listener.close(ERRORS.GOING_AWAY.code, 'the coordinator stops');
    await this.store.close();
  }

  private ports(): ConstructorParameters<typeof CoordinatorCore>[1] {
    const { joinToken } = this.options;
    return {
      random: {
        token: () => randomBytes(32).toString('base64url'),
        taskId: (now) => uuidv7({ msecs: Math.floor(now) }),
        fraction: () => randomInt(2 ** 32) / 2 ** 32,
      },
      checkJoinToken: (token) =>
        joinToken === undefined || (token !== undefined && sameSecret(token, joinToken)),
      admit: admitTask,
      facts: () => ({
        version: this.options.version ?? 'unknown',
        ...this.load.sample(),
        dropped: this.options.dropped?.() ?? {},
      }),
      rttMs: (connectionId) => this.peers.get(connectionId)?.connection.stats().rttMs ?? null,
    };
  }

  private accept(connection: TransportConnection, limits: CoreOptions): void {
    const connectionId = connection.id;
    const streams = new PeerStreams(
      connection,
      {
        maxMessageBytes: limits.maxMessageBytes,
        ownStreamThresholdBytes: limits.ownStreamThresholdBytes,
        maxUnreadBytes: Math.max(MAX_UNREAD_BYTES, 2 * limits.maxMessageBytes),
      },
      {
        established: () =>
          this.tell({
            type: 'connectionOpened',
            connectionId,
            address: connection.remoteAddress,
            certificate: connection.peerCertificate()?.fingerprint ?? null,
          }),
        message: (message, payload) =>
          // The view ends with this call, the core keeps what it gets.
          this.tell({
            type: 'message',
            connectionId,
            message,
            payload: payload === null ? undefined : copyOf(payload),
          }),
        protocolError: (error) => this.tell({ type: 'protocolError', connectionId, error }),
        closed: (info) => {
          this.peers.delete(connectionId);
          const clean =
            info.by === 'peer' && info.layer === 'application' && info.code === ERRORS.NO_ERROR.code;
          const reason =
            info.reason === '' ? `closed by ${info.by} (${info.layer} ${String(info.code)})` : info.reason;
          this.tell({ type: 'connectionLost', connectionId, clean, reason });
        },
      },
    );
    this.peers.set(connectionId, { connection, streams });
  }

  /** Hands an event to the core; decisions wait for the end of the turn. */
  private tell(event: CoreEvent): void {
    if (this.closed) return;
    this.flushDue = true;
    this.handle(event);
    // What comes outside the transport's turns (a lost connection found by a timer) is flushed soon as well.
    if (this.microtaskDue) return;
    this.microtaskDue = true;
    queueMicrotask(() => {
      this.microtaskDue = false;
      this.flush();
    });
  }

  private flush(): void {
    if (!this.flushDue || this.closed) return;
    this.flushDue = false;
    this.handle({ type: 'flush' });
  }

  private handle(event: CoreEvent): void {
    const { core } = this;
    if (core === null || this.closed) return;
    try {
      for (const action of core.handle(event, this.clock.now())) this.carryOut(action);
      this.armTimer(core.nextDeadline());
    } catch (err) {
      // A fault of ours. Whoever set it off is cut off, so that it cannot do so again and again; the others go on.
      this.log.error({ err, event: event.type }, 'internal error');
      if ('connectionId' in event)
        this.peers.get(event.connectionId)?.streams.close('INTERNAL_ERROR', 'internal error');
    }
  }

  private carryOut(action: Action): void {
    switch (action.type) {
      case 'send': {
        const streams = this.peers.get(action.connectionId)?.streams;
        if (action.message.type === 'AgentAck') streams?.admit('agent');
        if (action.message.type === 'ClientAck') streams?.admit('client');
        streams?.send(action.lane, action.message, action.payload ?? null);
        return;
      }
      case 'close':
        this.peers.get(action.connectionId)?.streams.close(action.error, action.reason);
        return;
      case 'commit':
        this.store.commit(action.ops).then(
          (outcomes) => this.handle({ type: 'committed', commitId: action.commitId, outcomes }),
          (error: unknown) =>
            this.handle({ type: 'commitFailed', commitId: action.commitId, reason: messageOf(error) }),
        );
        return;
      case 'lookup':
        this.store.get([action.taskId]).then(
          ([task]) => this.handle({ type: 'found', lookupId: action.lookupId, task: task ?? null }),
          () => this.handle({ type: 'found', lookupId: action.lookupId, task: null }),
        );
        return;
      case 'log':
        this.log[action.level](action.fields, action.msg);
        return;
      case 'drained':
        this.drained?.(action.remaining);
        return;
    }
  }

  private armTimer(at: number | null): void {
    const due = at ?? Infinity;
    // A timer that fires too early finds nothing due and is set anew: only an earlier deadline needs another one.
    if (due >= this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = due;
    this.cancelTimer = this.clock.setTimer(due, () => {
      this.timerAt = Infinity;
      this.cancelTimer = null;
      this.handle({ type: 'tick' });
    });
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** In constant time, whatever the lengths. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
