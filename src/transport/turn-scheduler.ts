import { BusyPoll } from './busy-poll.js';
import type { QuicConnection } from './quic-connection.js';

const SETTLED = Promise.resolve();
/** How long what nobody waits for waits for company. RFC 9000 §13.2.1 lets an acknowledgement wait for 25 ms. */
const LONE_MS = 5;
/**
 * How long all connections together may hand over what arrived, before what came of it leaves. A first reading of short
 * messages takes about as long: longer turns let more wait on one core for what another could go on with.
 */
const TAKE_IN_MS = 0.3;
/** So many rounds of one datagram in a row: the next one most likely comes alone too. */
const CALM_ROUNDS = 16;

/**
 * Runs each connection that has something to do once, after all datagrams that wait in the socket were received:
 * flushing after each of them would send an acknowledgement for every packet (measured: a factor of 5 in throughput).
 * Where datagrams have come one by one for a while, the next is worked on at once: to ask the socket for more, and to
 * come back from there, takes a tenth of the time of an echo.
 * A turn has four parts: all connections hand over what arrived, the hook runs (a user decides on all of it
 * together), promises that were settled by it have their reactions, all connections send. So a message that comes in on
 * one connection leaves on another in the same turn, and an answer that is awaited takes the next question along. A
 * server, whose hook decides all, does without the third: it costs a fifth more garbage.
 */
export class TurnScheduler {
  /** Those of the next turn: their `nextTurn` says so. */
  private due: QuicConnection[] = [];
  private spare: QuicConnection[] = [];
  /** Connections that owe an acknowledgement and nothing else. */
  private delayed = new Set<QuicConnection>();
  private delayTimer: NodeJS.Timeout | null = null;
  private immediate: NodeJS.Immediate | null = null;
  /** Those of the turn that has not given out yet, by `thisTurn`: a connection that has something to send now is added. */
  private gathering: QuicConnection[] | null = null;
  /** Datagrams since the event loop last turned to the sockets. */
  private arrived = 0;
  private calmRounds = 0;
  private readonly busyPoll: BusyPoll | null;

  /**
   * `reactions`: to promises that were settled are waited for.
   * `busyPoll`: where datagrams come one by one and quickly, the next one is waited for awake.
   */
  constructor(
    private readonly reactions: boolean,
    busyPoll: boolean,
  ) {
    this.busyPoll = busyPoll ? new BusyPoll() : null;
  }

  /** Called between taking in and giving out. Must not throw. */
  hook: () => void = () => undefined;

  /** A datagram of a connection arrived. */
  received(connection: QuicConnection): void {
    this.arrived++;
    this.scheduleNext(connection);
    if (this.arrived > 1) return;
    this.busyPoll?.heard(performance.now());
    // a handshake comes in several
    if (this.isCalm && this.gathering === null && connection.state === 'established') this.turn();
  }

  schedule(connection: QuicConnection): void {
    if (this.gathering === null) {
      this.scheduleNext(connection);
    } else if (!connection.thisTurn) {
      connection.thisTurn = true;
      this.gathering.push(connection);
    }
  }

  /** For what is left to read: the turn under way may have taken in already. */
  scheduleNext(connection: QuicConnection): void {
    if (!connection.nextTurn) {
      connection.nextTurn = true;
      this.due.push(connection);
    }
    this.immediate ??= setImmediate(this.run);
  }

  /** Runs `connection.sendAll()` within LONE_MS: one timer for all. */
  delay(connection: QuicConnection): void {
    this.delayed.add(connection);
    this.delayTimer ??= setTimeout(this.runDelayed, LONE_MS);
  }

  /** The connection is closed: it does nothing in the turns that it still stands in. */
  forget(connection: QuicConnection): void {
    this.delayed.delete(connection);
  }

  stop(): void {
    if (this.immediate !== null) clearImmediate(this.immediate);
    this.immediate = null;
    for (const connection of this.due) connection.nextTurn = false;
    this.due.length = 0;
    if (this.delayTimer !== null) clearTimeout(this.delayTimer);
    this.delayTimer = null;
    this.delayed.clear();
  }

  private readonly run = (): void => {
    this.immediate = null;
    if (this.arrived === 1) this.calmRounds++;
    else if (this.arrived > 1) this.calmRounds = 0;
    this.arrived = 0;
    if (this.due.length > 0) this.turn();
    if (this.isCalm && this.busyPoll?.staysAwake(performance.now()) === true)
      this.immediate ??= setImmediate(this.run);
  };

  /** Datagrams have come one by one for a while. */
  private get isCalm(): boolean {
    return this.calmRounds >= CALM_ROUNDS;
  }

  private turn(): void {
    const batch = this.due;
    this.due = this.spare;
    this.gathering = batch;
    for (const connection of batch) {
      connection.nextTurn = false;
      connection.thisTurn = true;
    }
    // An array visits what is added while it is walked.
    const until = performance.now() + TAKE_IN_MS;
    for (const connection of batch) connection.takeIn(until);
    this.hook();
    if (this.reactions) void SETTLED.then(this.afterReactions);
    else this.giveOut();
  }

  /** Ticks come when no microtask is left, however many led to others. */
  private readonly afterReactions = (): void => process.nextTick(this.giveOut);

  private readonly giveOut = (): void => {
    const batch = this.gathering;
    if (batch === null) return;
    this.gathering = null;
    let hasSent = false;
    for (const connection of batch) {
      connection.thisTurn = false;
      if (connection.giveOut()) hasSent = true;
    }
    batch.length = 0;
    this.spare = batch;
    if (hasSent) this.busyPoll?.sent(performance.now());
  };

  private readonly runDelayed = (): void => {
    this.delayTimer = null;
    const batch = this.delayed;
    this.delayed = new Set();
    for (const connection of batch) connection.sendAll();
  };
}
