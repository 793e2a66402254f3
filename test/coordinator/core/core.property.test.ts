import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Lease, MessageOf } from '../../../src/protocol/messages.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import type { StoreOp } from '../../../src/store/store.js';
import { completion, handshake, messagesOf, World, type ClientDouble } from './world.js';

/** Whatever happens, every task that was accepted ends exactly once, and no lease is given twice. */

const AGENTS = 3;
const small = fc.nat(30);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('submit' as const), a: small, b: small }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), a: small, b: small }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('complete' as const), a: small, b: small }) },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'fail' as const,
        'giveBack' as const,
        'lateResult' as const,
        'progress' as const,
        'cancel' as const,
        'lose' as const,
        'goodbye' as const,
        'agentDrain' as const,
        'credit' as const,
        'advance' as const,
        'advanceFar' as const,
        'hold' as const,
        'release' as const,
        'failCommit' as const,
        'watch' as const,
        'retry' as const,
        'holdReads' as const,
        'releaseReads' as const,
        'failRead' as const,
        'crash' as const,
      ),
      a: small,
      b: small,
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

interface Peer {
  connectionId: string | null;
  sessionToken: string | undefined;
  /** What it works on, as it understands it. */
  readonly work: Map<string, Lease>;
}

/** Little of everything, so that each bound is met. */
const OPTIONS = {
  maxQueue: 40,
  fullCommitEntries: 2,
  retry: { baseMs: 200, maxMs: 2_000 },
  inputCacheBytes: 12,
  cache: { count: 3, ageMs: 20_000, bytes: 1_000 },
  idempotencyWindowMs: 10_000,
  builtInKinds: ['compute', 'other'],
  kindLimits: new Map([
    ['compute', { concurrency: 4, perSecond: null }],
    ['other', { concurrency: null, perSecond: 3 }],
  ]),
};
const PORTS = { admit: () => ({ ok: true }) as const };

class Game {
  world = new World(OPTIONS, PORTS);
  client: ClientDouble = this.world.client();
  /** Everything that was committed, over all restarts. */
  readonly stored: StoreOp[] = [];
  readonly peers: Peer[] = Array.from({ length: AGENTS }, () => ({
    connectionId: null,
    sessionToken: undefined,
    work: new Map<string, Lease>(),
  }));
  readonly everLeased: { readonly peer: number; readonly lease: Lease }[] = [];
  /** By request: the task it got, or null when it was refused. */
  readonly answers = new Map<number, string | null>();
  readonly ends = new Map<number, number>();
  /** Requests of clients that a crash has cut off, with or without an answer. */
  readonly forlorn = new Set<number>();
  requests = 0;

  play({ do: what, a, b }: Command): void {
    const { world } = this;
    const index = a % AGENTS;
    const peer = this.peers[index];
    if (peer === undefined) return;
    const leases = [...peer.work.values()];
    const lease = leases[b % Math.max(1, leases.length)];
    switch (what) {
      case 'submit':
        this.send(a, b);
        break;
      case 'join':
        this.join(index, peer, 1 + (b % 4), b % 3 !== 0);
        break;
      case 'complete':
        if (lease !== undefined) this.answer(peer, lease, { outcome: 'completed' });
        break;
      case 'fail': {
        const error = { name: 'BOOM', message: '', retryable: b % 2 === 0 };
        if (lease !== undefined) this.answer(peer, lease, { outcome: 'failed', error });
        break;
      }
      case 'giveBack':
        if (lease !== undefined) this.answer(peer, lease, { outcome: 'cancelled' });
        break;
      case 'lateResult': {
        const old = this.everLeased[(a * 31 + b) % Math.max(1, this.everLeased.length)];
        if (old !== undefined && peer.connectionId !== null) {
          world.say(peer.connectionId, completion(old.lease, { outcome: 'completed' }));
        }
        break;
      }
      case 'progress':
        if (lease !== undefined && peer.connectionId !== null) {
          const { taskId, epoch } = lease;
          world.say(peer.connectionId, { type: 'TaskProgress', taskId, epoch, fraction: b / 30 });
        }
        break;
      case 'cancel':
      case 'retry':
      case 'watch': {
        const known = [...this.answers.values()].filter((taskId) => taskId !== null);
        const taskId = known[b % Math.max(1, known.length)];
        if (taskId === undefined) break;
        const requestId = 1_000_000 + b;
        const { connectionId } = this.client;
        if (what === 'watch') world.say(connectionId, { type: 'WatchTask', requestId, taskId });
        else if (what === 'retry') world.say(connectionId, { type: 'RetryTask', requestId, taskId });
        else world.say(connectionId, { type: 'CancelTask', requestId, taskId, reason: 'cancelled' });
        break;
      }
      case 'lose':
      case 'goodbye':
        if (peer.connectionId === null) break;
        // what was on its way to the agent is lost with the connection
        if (b % 2 === 0) this.send(a, b);
        world.lose(peer.connectionId, what === 'goodbye');
        peer.connectionId = null;
        if (what === 'goodbye') peer.work.clear();
        break;
      case 'agentDrain':
        if (peer.connectionId !== null) {
          world.say(peer.connectionId, { type: 'DrainNotice', reason: '', deadlineMs: 1 });
        }
        break;
      case 'credit':
        if (peer.connectionId !== null) this.heartbeat(peer, b % 5);
        break;
      case 'advance':
        world.advance(b * 100);
        break;
      case 'advanceFar':
        world.advance(b * 3_000);
        break;
      case 'hold':
        world.autoCommit = false;
        break;
      case 'release':
        this.release();
        break;
      case 'failCommit':
        if (world.waiting !== null) world.failCommit();
        break;
      case 'holdReads':
        world.autoRead = false;
        break;
      case 'releaseReads':
        world.autoRead = true;
        world.answerReads();
        break;
      case 'failRead': {
        const [read] = world.inputReads.splice(0);
        if (read !== undefined) world.turn({ type: 'inputsRead', readId: read.readId, inputs: null });
        break;
      }
      case 'crash':
        if (b % 3 === 0) this.crash();
        break;
    }
    this.read();
  }

  /** The coordinator dies with all that it has not committed, and another takes up what there is. */
  crash(): void {
    this.read();
    this.stored.push(...this.world.stored);
    for (const peer of this.peers) peer.connectionId = null;
    for (let id = 1; id <= this.requests; id++) this.forlorn.add(id);
    const { rows } = this.world.store;
    this.world = this.world.restart(OPTIONS, PORTS);
    this.client = this.world.client(this.requests);
    for (const taskId of this.answers.values()) {
      assert.ok(taskId === null || rows.has(taskId), 'what was acknowledged is there after a crash');
    }
  }

  send(a: number, b: number): void {
    this.client.send({
      kind: (a + b) % 3 === 0 ? 'other' : 'compute',
      priority: a % 11,
      attempts: 1 + (b % 3),
      timeoutMs: 1_000 + b * 1_000,
      watch: true,
      ...(a % 4 === 0 ? { delayMs: b * 100 } : {}),
      ...(a % 5 === 0 ? { idempotencyKey: `k${b}` } : {}),
    });
    this.requests++;
  }

  join(index: number, peer: Peer, concurrency: number, resume: boolean): void {
    const { world } = this;
    const connectionId = world.connect();
    const leases = [...peer.work.values()];
    const token =
      resume && peer.sessionToken !== undefined ? { sessionToken: peer.sessionToken, leases } : {};
    world.say(connectionId, handshake(`a${index}`, { concurrency, kinds: ['compute', 'other'], ...token }));
    if (world.closed.has(connectionId)) {
      // what it holds is nothing to this session any more
      if (world.closed.get(connectionId)?.error === 'SESSION_UNKNOWN') peer.sessionToken = undefined;
      return;
    }
    peer.connectionId = connectionId;
    if (!resume) peer.work.clear();
  }

  heartbeat(peer: Peer, concurrency: number): void {
    if (peer.connectionId === null) return;
    this.world.say(peer.connectionId, {
      type: 'HeartbeatMessage',
      sequence: 1,
      sentAt: 0,
      load: 0,
      activeTasks: 0,
      queuedTasks: 0,
      memoryBytes: 0,
      concurrency,
    });
  }

  answer(peer: Peer, lease: Lease, end: Parameters<typeof completion>[1]): void {
    if (peer.connectionId === null) return;
    this.world.say(peer.connectionId, completion(lease, end));
    peer.work.delete(`${lease.taskId}/${lease.epoch}`);
  }

  release(): void {
    this.world.autoCommit = true;
    this.world.autoRead = true;
    this.world.turn({ type: 'flush' });
    this.world.answerReads();
  }

  /** Takes in what was sent to everybody, and checks it. */
  read(): void {
    for (const [index, peer] of this.peers.entries()) {
      if (peer.connectionId === null) continue;
      for (const { message } of this.world.take(peer.connectionId)) {
        if (message.type === 'AgentAck') {
          peer.sessionToken = message.sessionToken;
          for (const { taskId, epoch } of message.abortedTasks) peer.work.delete(`${taskId}/${epoch}`);
          if (!message.resumed) peer.work.clear();
        } else if (message.type === 'AgentTask') this.leased(index, peer, message);
        else if (message.type === 'CancelTask' && message.epoch !== undefined) {
          const lease = peer.work.get(`${message.taskId}/${message.epoch}`);
          // half of the time it never answers
          if (lease !== undefined && message.epoch % 2 === 0)
            this.answer(peer, lease, { outcome: 'cancelled' });
          peer.work.delete(`${message.taskId}/${message.epoch}`);
        }
      }
      if (this.world.closed.has(peer.connectionId)) peer.connectionId = null;
    }
    const inbox = this.world.take(this.client.connectionId);
    for (const { status, requestIds, taskIds } of messagesOf(inbox, 'MessageAck')) {
      if (status !== 'received') continue;
      for (const [i, requestId] of requestIds.entries()) {
        if (requestId >= 1_000_000) continue;
        assert.ok(!this.answers.has(requestId), 'a submit is answered once');
        this.answers.set(requestId, taskIds[i] ?? null);
      }
    }
    for (const { requestId, messageType, name } of messagesOf(inbox, 'ErrorReport')) {
      if (requestId === undefined || requestId >= 1_000_000) continue;
      if (messageType !== 'SubmitTask' && name !== 'STORE_UNAVAILABLE') continue;
      assert.ok(!this.answers.has(requestId), 'a submit is answered once');
      this.answers.set(requestId, null);
    }
    for (const { requestId, task } of messagesOf(inbox, 'TaskUpdate')) {
      if (requestId >= 1_000_000) continue;
      assert.match(task.state, /completed|failed|dead|cancelled/);
      assert.equal(this.answers.get(requestId), task.taskId, 'the end comes after the acknowledgement');
      this.ends.set(requestId, (this.ends.get(requestId) ?? 0) + 1);
    }
  }

  leased(index: number, peer: Peer, task: MessageOf<'AgentTask'>): void {
    const { taskId, attempt, epoch } = task;
    const lease = { taskId, attempt, epoch };
    peer.work.set(`${taskId}/${epoch}`, lease);
    this.everLeased.push({ peer: index, lease });
  }

  /** Good times: the store works, agents work, and time passes. */
  finish(): void {
    this.release();
    for (const peer of this.peers) {
      if (peer.connectionId !== null) this.world.lose(peer.connectionId);
      peer.connectionId = null;
    }
    for (let round = 0; round < 200; round++) {
      this.read();
      const { tasks, commits } = this.world.core.state;
      if (tasks.waiting + tasks.held === 0 && commits.idle) break;
      for (const [index, peer] of this.peers.entries()) {
        if (peer.connectionId === null) this.join(index, peer, 4, true);
        this.heartbeat(peer, 4);
        this.read();
        for (const lease of [...peer.work.values()]) this.answer(peer, lease, { outcome: 'completed' });
      }
      this.world.advance(2_000);
    }
    this.read();
  }
}

void t.test('every accepted task ends exactly once, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 120, size: 'max' }), async (commands) => {
      const game = new Game();
      for (const one of commands) game.play(one);
      game.finish();
      const { world } = game;
      assert.equal(
        world.core.state.tasks.waiting + world.core.state.tasks.held,
        0,
        'all tasks come to an end',
      );
      for (let id = 1; id <= game.requests; id++) {
        if (game.forlorn.has(id)) continue;
        const taskId = game.answers.get(id);
        assert.notEqual(taskId, undefined, 'every submit is answered');
        assert.equal(game.ends.get(id) ?? 0, taskId === null ? 0 : 1, `request ${id} ends once`);
      }
      game.stored.push(...world.stored);
      const ends = new Map<string, number>();
      const store = new MemoryStore();
      const outcomes = await store.commit(game.stored);
      for (const [i, { status }] of outcomes.entries()) {
        const op = game.stored[i];
        if (status !== 'applied') {
          const may = op?.op === 'retry' || (op?.op === 'submit' && status === 'duplicate');
          assert.ok(may, `the store takes ${JSON.stringify(op)}`);
        } else if (op?.op === 'complete' || op?.op === 'fail' || op?.op === 'cancel') {
          ends.set(op.taskId, (ends.get(op.taskId) ?? 0) + 1);
        } else if (op?.op === 'retry') ends.set(op.taskId, (ends.get(op.taskId) ?? 0) - 1);
      }
      const accepted = [...new Set([...game.answers.values()].filter((taskId) => taskId !== null))];
      for (const taskId of accepted)
        assert.equal(ends.get(taskId), 1, `${taskId} ends once, or once more for a retry`);
      for (const [i, stored] of (await store.get(accepted)).entries()) {
        const double = world.store.get(accepted[i] ?? '');
        assert.deepEqual(stored?.current, double?.current, 'the double does as the store does');
        const task = world.core.state.tasks.get(accepted[i] ?? '');
        if (task !== undefined)
          assert.equal(stored?.current.state, task.phase.state, 'memory and store agree');
      }
      assert.equal(world.core.state.tasks.inputBytes, 0);
      assert.equal(world.core.state.tasks.cachedBytes, 0);
    }),
    { numRuns: 400 },
  );
});

void t.test('agents and tasks of any number: work is spread, credit is kept, all of it is done', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(10), { minLength: 1, maxLength: 60 }),
      (credits, priorities) => {
        const world = new World();
        const agents = credits.map((concurrency, i) => world.agent(`a${i}`, { concurrency }));
        const client = world.client();
        for (const priority of priorities) client.send({ priority });
        const capacity = credits.reduce((sum, credit) => sum + credit, 0);
        let done = 0;
        for (let round = 0; done < priorities.length; round++) {
          assert.ok(round <= priorities.length, 'it comes to an end');
          assert.equal(world.core.state.tasks.held, Math.min(capacity, priorities.length - done));
          for (const agent of agents) {
            const [lease] = world.core.state.registry.get(agent.agentId)?.leases ?? [];
            if (lease === undefined) continue;
            agent.complete({ taskId: lease.spec.taskId, attempt: lease.attempts, epoch: lease.epoch });
            done++;
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});
