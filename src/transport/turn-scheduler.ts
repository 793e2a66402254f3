import type { QuicConnection } from './quic-connection.js';

const SETTLED = Promise.resolve();
/** How long what nobody waits for waits for company. RFC 9000 §13.2.1 lets an acknowledgement wait for 25 ms. */
const LONE_MS = 5;
/**
 * How long all connections together may hand over what arrived, before what came of it leaves. A first reading of short
 * messages takes about as long: longer turns let more wait on one core for what another could go on with.
 */
const TAKE_IN_MS = 0.3;

/**
 * Runs each connection that has something to do once, after all datagrams that wait in the socket were received:
 * flushing after each of them would send an acknowledgement for every packet (measured: a factor of 5 in throughput).
 * A turn has four parts: all connections hand over what arrived, the hook runs (a user decides on all of it
 * together), promises that were settled by it have their reactions, all connections send. So a message that comes in on
 * one connection leaves on another in the same turn, and an answer that is awaited takes the next question along. A
 * server, whose hook decides all, does without the third: it costs a fifth more garbage.
 */
export class TurnScheduler {
  private due = new Set<QuicConnection>();
  private spare = new Set<QuicConnection>();
  /** Connections that owe an acknowledgement and nothing else. */
  private delayed = new Set<QuicConnection>();
  private delayTimer: NodeJS.Timeout | null = null;
  private immediate: NodeJS.Immediate | null = null;
  /** The set of the turn that has not given out yet: a connection that has something to send now belongs to it. */
  private gathering: Set<QuicConnection> | null = null;

  /** `reactions`: to promises that were settled are waited for. */
  constructor(private readonly reactions: boolean) {}

  /** Called between taking in and giving out. Must not throw. */
  hook: () => void = () => undefined;

  schedule(connection: QuicConnection): void {
    if (this.gathering === null) this.scheduleNext(connection);
    else this.gathering.add(connection);
  }

  /** For what is left to read: the turn under way may have taken in already. */
  scheduleNext(connection: QuicConnection): void {
    this.due.add(connection);
    this.immediate ??= setImmediate(this.run);
  }

  /** Runs `connection.sendAll()` within LONE_MS: one timer for all. */
  delay(connection: QuicConnection): void {
    this.delayed.add(connection);
    this.delayTimer ??= setTimeout(this.runDelayed, LONE_MS);
  }

  forget(connection: QuicConnection): void {
    this.due.delete(connection);
    this.delayed.delete(connection);
    this.gathering?.delete(connection);
  }

  stop(): void {
    if (this.immediate !== null) clearImmediate(this.immediate);
    this.immediate = null;
    this.due.clear();
    if (this.delayTimer !== null) clearTimeout(this.delayTimer);
    this.delayTimer = null;
    this.delayed.clear();
  }

  private readonly run = (): void => {
    this.immediate = null;
    const batch = this.due;
    this.due = this.spare;
    this.gathering = batch;
    // A Set visits what is added while it is walked.
    const until = performance.now() + TAKE_IN_MS;
    for (const connection of batch) connection.takeIn(until);
    this.hook();
    if (this.reactions) void SETTLED.then(this.afterReactions);
    else this.giveOut();
  };

  /** Ticks come when no microtask is left, however many led to others. */
  private readonly afterReactions = (): void => process.nextTick(this.giveOut);

  private readonly giveOut = (): void => {
    const batch = this.gathering;
    if (batch === null) return;
    this.gathering = null;
    for (const connection of batch) connection.giveOut();
    batch.clear();
    this.spare = batch;
  };

  private readonly runDelayed = (): void => {
    this.delayTimer = null;
    const batch = this.delayed;
    this.delayed = new Set();
    for (const connection of batch) connection.sendAll();
  };
}
