import { ERRORS } from '../../src/protocol/errors.js';
import type { Lease, MessageOf } from '../../src/protocol/messages.js';
import type { FakeClock } from '../support/fake-clock.js';
import type { MemoryNetwork } from '../support/memory-transport.js';
import { ScriptedCoordinator, type Received, type ScriptedPeer } from '../support/scripted-coordinator.js';

interface Task {
  readonly taskId: string;
  readonly kind: string;
  readonly payload: Uint8Array;
  epoch: number;
  state: 'queued' | 'leased' | 'storing' | 'completed';
  submittedAt: number;
  finishedAt: number;
}

export interface MiniOptions {
  /** From a change to its acknowledgement. */
  readonly commitMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assign: (message: MessageOf<'AgentHandshake'>) => MessageOf<'AgentAck'>;
}

/** One agent's coordinator by the rules of the protocol: leases with epochs, credit, sessions with rotating tokens. */
export class MiniCoordinator {
  readonly tasks = new Map<string, Task>();
  /** Results that were refused because their lease was over, or that came twice. */
  readonly refused: string[] = [];
  /** Leases that the agent came back without. */
  readonly lost: string[] = [];
  readonly handshakes: MessageOf<'AgentHandshake'>[] = [];
  readonly scripted: ScriptedCoordinator;
  /** What the next handshakes are answered with instead. */
  refusals: ((peer: ScriptedPeer, message: MessageOf<'AgentHandshake'>) => boolean)[] = [];
  #token = 0;
  #previousToken: string | null = null;
  #currentToken: string | null = null;
  #peer: ScriptedPeer | null = null;
  #credit = 0;
  #joined = false;

  constructor(
    network: MemoryNetwork,
    readonly clock: FakeClock,
    readonly options: MiniOptions,
    address = 'c:1',
  ) {
    this.scripted = new ScriptedCoordinator(network, address, (peer, received) =>
      this.#receive(peer, received),
    );
  }

  /** The agent is registered and has opened its lanes. */
  get ready(): boolean {
    return this.#joined && this.#peer !== null && this.#peer.channels.length >= 3;
  }

  get completed(): Task[] {
    return [...this.tasks.values()].filter(({ state }) => state === 'completed');
  }

  submit(taskId: string, payload: Uint8Array, kind = 'compute'): void {
    const now = this.clock.now();
    this.tasks.set(taskId, {
      taskId,
      kind,
      payload,
      epoch: 0,
      state: 'queued',
      submittedAt: now,
      finishedAt: 0,
    });
    this.#dispatch();
  }

  #receive(peer: ScriptedPeer, { message, payload }: Received): void {
    if (message.type === 'AgentHandshake') {
      this.handshakes.push(message);
      const refusal = this.refusals.shift();
      if (refusal?.(peer, message) !== true) this.#welcome(peer, message);
      return;
    }
    if (peer !== this.#peer) return;
    this.#previousToken = null;
    if (message.type === 'StreamOpen') this.#dispatch();
    if (message.type === 'HeartbeatMessage') {
      peer.send(message);
      this.#credit = message.concurrency ?? this.#credit;
      this.#dispatch();
    }
    if (message.type === 'TaskCompletion') this.#complete(peer, message, payload);
  }

  #welcome(peer: ScriptedPeer, message: MessageOf<'AgentHandshake'>): void {
    const { sessionToken, leases = [], concurrency } = message;
    const resumed =
      sessionToken !== undefined && [this.#currentToken, this.#previousToken].includes(sessionToken);
    if (sessionToken !== undefined && !resumed) {
      report(this.clock, peer, 'SESSION_UNKNOWN');
      return;
    }
    this.#peer?.connection.close(ERRORS.SESSION_REPLACED.code, 'the agent connected again');
    const named = new Map(leases.map((lease) => [lease.taskId, lease.epoch]));
    const abortedTasks: Lease[] = [];
    for (const lease of leases) {
      const task = this.tasks.get(lease.taskId);
      if (task?.epoch !== lease.epoch || task.state === 'completed') abortedTasks.push(lease);
    }
    for (const task of this.tasks.values()) {
      if (task.state !== 'leased' || named.get(task.taskId) === task.epoch) continue;
      this.lost.push(task.taskId);
      task.state = 'queued';
    }
    this.#peer = peer;
    this.#joined = false;
    this.#credit = concurrency;
    this.#previousToken = resumed ? sessionToken : null;
    this.#currentToken = `token-${++this.#token}`;
    const token = this.#currentToken;
    this.#later(() => {
      if (this.#peer !== peer) return;
      this.#joined = true;
      peer.send({ ...this.options.assign(message), sessionToken: token, resumed, abortedTasks });
      this.#dispatch();
    });
  }

  #complete(peer: ScriptedPeer, message: MessageOf<'TaskCompletion'>, payload: Uint8Array | null): void {
    const { taskId, epoch } = message;
    const task = this.tasks.get(taskId);
    if (task?.state !== 'leased' || task.epoch !== epoch) {
      // The same result again, which is being stored or was stored: acknowledged, or about to be.
      if (task?.epoch === epoch && task.state === 'completed') this.#acknowledge(taskId);
      if (task?.epoch === epoch) return;
      this.refused.push(taskId);
      const { code } = ERRORS.STALE_LEASE;
      peer.send({ type: 'ErrorReport', code, name: 'STALE_LEASE', message: 'over', taskId });
      return;
    }
    if (Buffer.compare(payload ?? new Uint8Array(), task.payload) !== 0)
      throw new Error(`wrong result of ${taskId}`);
    task.state = 'storing';
    this.#later(() => {
      task.state = 'completed';
      task.finishedAt = this.clock.now();
      this.#acknowledge(taskId);
      this.#dispatch();
    });
  }

  #acknowledge(taskId: string): void {
    this.#peer?.send({ type: 'MessageAck', status: 'processed', requestIds: [], taskIds: [taskId] });
  }

  #dispatch(): void {
    const peer = this.#peer;
    if (peer === null || !this.ready) return;
    let leased = 0;
    for (const { state } of this.tasks.values()) if (state === 'leased') leased++;
    for (const task of this.tasks.values()) {
      if (leased >= this.#credit) return;
      if (task.state !== 'queued') continue;
      leased++;
      task.state = 'leased';
      task.epoch += 1;
      const { taskId, kind, epoch, payload } = task;
      const message: MessageOf<'AgentTask'> = {
        type: 'AgentTask',
        taskId,
        attempt: epoch,
        epoch,
        kind,
        priority: 5,
        timeoutMs: 60_000,
      };
      if (payload.length <= 1000) peer.channel(2).send(message, payload);
      else {
        const own = peer.open();
        own.send(message, payload);
        own.end();
      }
    }
  }

  #later(change: () => void): void {
    this.clock.setTimer(this.clock.now() + this.options.commitMs, change);
  }
}

/** Refuses by name; where the name says so, the connection is closed once that has left. */
export function report(
  clock: FakeClock,
  peer: ScriptedPeer,
  name: keyof typeof ERRORS,
  retryAfterMs?: number,
): void {
  const { code } = ERRORS[name];
  const context = retryAfterMs === undefined ? {} : { retryAfterMs };
  peer.send({ type: 'ErrorReport', code, name, message: name, ...context });
  if (ERRORS[name].fatal) clock.setTimer(clock.now() + 1, () => peer.connection.close(code, name));
}
