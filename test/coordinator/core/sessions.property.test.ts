import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Lease, MessageOf } from '../../../src/protocol/messages.js';
import { SessionMemory, SessionWatch } from './session-watch.js';
import { completion, handshake, World, type ClientDouble } from './world.js';

/**
 * Agents come, go, fall silent, resume early or late, from good or old state, while somebody sends what they sent again and
 * the coordinator crashes. SessionWatch checks every event; here, that a replay changes nothing, and that all work is done.
 */

const AGENTS = 3;
type Handshake = MessageOf<'AgentHandshake'>;

interface Agent {
  readonly agentId: string;
  token: string | undefined;
  readonly oldTokens: string[];
  readonly work: Map<string, Lease>;
  link: { readonly connectionId: string; established: boolean; refused: boolean; joined: boolean } | null;
}

const COMMANDS = [
  'submit',
  'submit',
  'join',
  'joinAfresh',
  'joinWithOldToken',
  'early',
  'early',
  'early',
  'earlyHeldBack',
  'replay',
  'replay',
  'establish',
  'establish',
  'complete',
  'complete',
  'heartbeat',
  'laneOpened',
  'lose',
  'goodbye',
  'halfOpen',
  'slow',
  'advance',
  'silence',
  'heldUp',
  'holdNonces',
  'holdCommits',
  'release',
  'failCommit',
  'crash',
] as const;
const command = fc.record({ do: fc.constantFrom(...COMMANDS), a: fc.nat(AGENTS - 1), b: fc.nat(50) });
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

const ADMIT = { admit: () => ({ ok: true }) as const };

class Game {
  world = new World({}, ADMIT);
  watch = new SessionWatch(this.world, new SessionMemory());
  client: ClientDouble = this.world.client();
  readonly agents: Agent[] = Array.from({ length: AGENTS }, (_, i) => ({
    agentId: `a${i}`,
    token: undefined,
    oldTokens: [],
    work: new Map<string, Lease>(),
    link: null,
  }));
  /** Everything that was ever sent in early data, whether or not it arrived. */
  readonly flights: Handshake[] = [];
  #nonces = 0;

  play({ do: what, a, b }: Command): void {
    const { world } = this;
    const agent = this.agents[a];
    assert.ok(agent);
    switch (what) {
      case 'submit':
        this.client.send({ timeoutMs: 2 ** 40, attempts: 1_000, kind: b % 3 === 0 ? 'other' : 'compute' });
        break;
      case 'join':
        this.join(agent, agent.token, b);
        break;
      case 'joinAfresh':
        agent.work.clear();
        this.join(agent, undefined, b);
        break;
      case 'joinWithOldToken':
        this.join(agent, agent.oldTokens[b % Math.max(1, agent.oldTokens.length)], b);
        break;
      case 'early':
      case 'earlyHeldBack': {
        if (agent.token === undefined) break;
        const flight = { ...this.handshake(agent, agent.token, b), nonce: `nonce-${++this.#nonces}` };
        this.flights.push(flight);
        if (what === 'earlyHeldBack') break;
        agent.link = { connectionId: world.early(flight), established: false, refused: false, joined: false };
        break;
      }
      case 'replay':
        this.replay(this.flights[b % Math.max(1, this.flights.length)]);
        break;
      case 'establish':
        this.establish(agent);
        break;
      case 'complete':
        this.complete(agent, b);
        break;
      case 'heartbeat':
        this.heartbeat(agent);
        break;
      case 'laneOpened':
        if (agent.link?.joined === true) {
          world.turn({ type: 'laneOpened', connectionId: agent.link.connectionId });
        }
        break;
      case 'lose':
      case 'goodbye':
        if (agent.link === null) break;
        world.lose(agent.link.connectionId, what === 'goodbye');
        agent.link = null;
        break;
      case 'halfOpen':
        // the agent has given the connection up, the coordinator does not know
        agent.link = null;
        break;
      case 'slow':
        for (let i = 0; i < b; i++) {
          world.advance(5_000);
          if (agent.link !== null) world.packets.set(agent.link.connectionId, world.now);
        }
        break;
      case 'advance':
        world.advance(b * 100);
        break;
      case 'silence':
        world.advance(b * 2_000);
        break;
      case 'heldUp':
        world.now += b * 10_000;
        break;
      case 'holdNonces':
        world.autoNonce = false;
        break;
      case 'holdCommits':
        world.autoCommit = false;
        break;
      case 'release':
        this.release();
        break;
      case 'failCommit':
        if (world.waiting !== null) world.failCommit();
        break;
      case 'crash':
        this.crash();
        break;
    }
    this.read();
  }

  handshake({ agentId, work }: Agent, sessionToken: string | undefined, b: number): Handshake {
    return handshake(agentId, {
      concurrency: 1 + (b % 4),
      kinds: b % 2 === 0 ? ['compute', 'other'] : ['compute'],
      leases: [...work.values()],
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });
  }

  join(agent: Agent, token: string | undefined, b: number): void {
    const connectionId = this.world.connect();
    agent.link = { connectionId, established: true, refused: false, joined: false };
    this.world.say(connectionId, this.handshake(agent, token, b));
  }

  /** TLS is complete; a handshake that was refused early is said again. */
  establish(agent: Agent): void {
    const { link } = agent;
    if (link === null || link.established) return;
    link.established = true;
    this.world.established(link.connectionId);
    const said = this.watch.said.get(link.connectionId);
    this.read();
    if (link.refused && said !== undefined) this.world.say(link.connectionId, said.message);
  }

  /** Somebody sends what was recorded. What has had its effect has none again. */
  replay(flight: Handshake | undefined): void {
    if (flight === undefined) return;
    const { world } = this;
    const wasUsed = this.watch.memory.nonces.has(flight.nonce ?? '');
    const before = wasUsed ? this.picture() : '';
    const connectionId = world.early(flight);
    if (!wasUsed) return;
    assert.equal(this.picture(), before, 'a replay changes nothing');
    if (world.autoNonce) {
      const sent = world.take(connectionId).map(({ message }) => ('name' in message ? message.name : ''));
      assert.deepEqual(sent, ['EARLY_DATA_REFUSED']);
    }
  }

  picture(): string {
    const { registry, tasks } = this.world.core.state;
    const sessions = [...registry.values()].map(({ identity, phase, leases, slot, lastHeardAt, timer }) => {
      const { credit, used, available } = slot;
      return [
        identity,
        phase,
        Array.from(leases, ({ spec }) => spec.taskId),
        credit,
        used,
        available,
        lastHeardAt,
        timer.at,
      ];
    });
    return JSON.stringify([sessions, tasks.countByState(), this.world.stored.length]);
  }

  complete(agent: Agent, b: number): void {
    const leases = [...agent.work.values()];
    const lease = leases[b % Math.max(1, leases.length)];
    if (lease === undefined || agent.link?.joined !== true || !agent.link.established) return;
    this.world.say(agent.link.connectionId, completion(lease, { outcome: 'completed' }), new Uint8Array([1]));
    agent.work.delete(`${lease.taskId}/${lease.epoch}`);
  }

  heartbeat({ link }: Agent): void {
    if (link?.joined !== true || !link.established) return;
    this.world.say(link.connectionId, {
      type: 'HeartbeatMessage',
      sequence: 1,
      sentAt: 0,
      load: 0,
      activeTasks: 0,
      queuedTasks: 0,
      memoryBytes: 0,
    });
  }

  release(): void {
    const { world } = this;
    world.autoNonce = true;
    world.autoCommit = true;
    world.turn({ type: 'flush' });
  }

  /** What was not committed is lost, and so are all connections. */
  crash(): void {
    this.world = this.world.restart({}, ADMIT);
    this.watch = new SessionWatch(this.world, this.watch.memory);
    this.client = this.world.client(1_000_000 * (1 + this.#nonces));
    for (const agent of this.agents) agent.link = null;
  }

  read(): void {
    for (const agent of this.agents) {
      const { link } = agent;
      if (link === null) continue;
      for (const { message } of this.world.take(link.connectionId)) {
        if (message.type === 'AgentAck') {
          if (agent.token !== undefined) agent.oldTokens.push(agent.token);
          agent.token = message.sessionToken;
          link.joined = true;
          for (const { taskId, epoch } of message.abortedTasks) agent.work.delete(`${taskId}/${epoch}`);
        } else if (message.type === 'AgentTask') {
          const { taskId, attempt, epoch } = message;
          agent.work.set(`${taskId}/${epoch}`, { taskId, attempt, epoch });
        } else if (message.type === 'CancelTask') {
          agent.work.delete(`${message.taskId}/${message.epoch ?? 0}`);
        } else if (message.type === 'ErrorReport' && message.name === 'EARLY_DATA_REFUSED') {
          link.refused = true;
        } else if (message.type === 'ErrorReport' && message.name === 'SESSION_UNKNOWN') {
          // an honest agent comes back without it; a token that it only tried it keeps apart
          if (this.watch.said.get(link.connectionId)?.message.sessionToken === agent.token) {
            agent.token = undefined;
          }
        }
      }
      if (this.world.closed.has(link.connectionId)) agent.link = null;
    }
  }

  /** Good times: the store works, agents come back and work, and time passes. */
  finish(): void {
    this.release();
    for (const agent of this.agents) agent.link = null;
    for (let round = 0; round < 200; round++) {
      this.read();
      const { tasks, commits } = this.world.core.state;
      if (tasks.waiting + tasks.held === 0 && commits.idle) return;
      for (const agent of this.agents) {
        if (agent.link !== null && !agent.link.established) agent.link = null;
        if (agent.link === null) this.join(agent, agent.token, 2);
        this.read();
        this.heartbeat(agent);
        while (agent.link?.joined === true && agent.work.size > 0) this.complete(agent, 0);
        this.read();
      }
      this.world.advance(2_000);
    }
    assert.fail('all tasks come to an end');
  }
}

void t.test('sessions survive whatever happens, and what was recorded is worth nothing', async (t) => {
  let resumed = 0;
  let replays = 0;
  let ended = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 100, size: 'max' }), (commands) => {
      const game = new Game();
      for (const one of commands) game.play(one);
      game.finish();
      const { store, core } = game.world;
      assert.equal(core.counters.storeConflicts, 0);
      for (const { current } of store.rows.values()) assert.equal(current.state, 'completed');
      ended += store.rows.size;
      resumed += game.watch.memory.nonces.size;
      replays += core.counters.replaysRefused;
    }),
    { numRuns: 400 },
  );
  t.ok(resumed > 50, `${resumed} sessions were resumed in early data`);
  t.ok(replays > 50, `${replays} replays were refused`);
  t.ok(ended > 300, `${ended} tasks ended`);
});
