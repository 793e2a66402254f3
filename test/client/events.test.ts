import t from 'tap';
import { Client, type ClientOptions } from '../../src/client/client.js';
import { CoordinatorUnreachable, TaskRejected } from '../../src/client/errors.js';
import { EVENT_CREDIT } from '../../src/client/requests.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { SwarmEvent } from '../../src/protocol/messages.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import { ScriptedCoordinator, type ScriptedPeer } from '../support/scripted-coordinator.js';

const event = (at: number): SwarmEvent => ({ event: 'task-submitted', at, taskId: `t${at}` });

/** A coordinator that accepts clients and says nothing by itself. */
function world(options: Partial<ClientOptions> = {}) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const coordinator = new ScriptedCoordinator(network, 'c:1', (peer, { message }) => {
    if (message.type !== 'ClientHandshake') return;
    const configuration = { maxMessageBytes: 100_000, ownStreamThresholdBytes: 1000 };
    peer.send({ type: 'ClientAck', protocolVersion: 1, coordinatorId: 'c1', configuration, kinds: [] });
  });
  const client = new Client({
    addresses: ['c:1'],
    connector: network.connector,
    clock,
    random: () => 0.5,
    ...options,
  });
  /** Lets everything under way arrive. */
  const settle = async (ms = 5) => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  const notice = (
    peer: ScriptedPeer,
    events: SwarmEvent[],
    dropped = 0,
    requestId = lastOf(peer).requestId,
  ) => peer.send({ type: 'EventNotice', requestId, events, dropped });
  return { clock, coordinator, client, settle, notice };
}

function lastOf(peer: ScriptedPeer) {
  const last = peer.of('WatchEvents').at(-1);
  if (last === undefined) throw new Error('nobody follows');
  return last;
}

t.test('events come in order, and what was lost is said in its place', async (t) => {
  const { client, coordinator, settle, notice } = world();
  const events = client.events({ kind: 'compute', recent: 3 });
  await settle();
  const { peer } = coordinator;
  t.match(peer.of('WatchEvents'), [{ credit: EVENT_CREDIT, recent: 3, kind: 'compute' }]);
  notice(peer, [event(1), event(2)], 7);
  notice(peer, []);
  notice(peer, [event(3)]);
  await settle();
  const got: unknown[] = [];
  for await (const one of events) {
    got.push(one);
    if (one.event !== 'missed' && one.at === 3) break;
  }
  t.match(got, [event(1), event(2), { event: 'missed', missed: 7 }, event(3)]);
  await settle();
  t.match(lastOf(peer), { credit: 0 }, 'the end of the loop is the end of following');
  t.same(await events.next(), { done: true, value: undefined });
  client.close();
});

t.test('credit is given as notices are read: who does not read is sent no more', async (t) => {
  const { client, coordinator, settle, notice } = world();
  const events = client.events();
  await settle();
  const { peer } = coordinator;
  for (let at = 0; at < EVENT_CREDIT; at++) notice(peer, [event(at)]);
  await settle();
  t.equal(peer.of('WatchEvents').length, 1, 'nothing is read');
  for (let at = 0; at < EVENT_CREDIT / 2; at++) t.match(await events.next(), { value: event(at) });
  await settle();
  t.match(lastOf(peer), { credit: EVENT_CREDIT / 2 }, 'as much as there is room for');
  t.equal(peer.of('WatchEvents').length, 2);
  client.close();
  for (let at = EVENT_CREDIT / 2; at < EVENT_CREDIT; at++) t.match(await events.next(), { value: event(at) });
  await t.rejects(events.next(), CoordinatorUnreachable, 'what had come is read first');
});

t.test('a lost connection is a gap, and following goes on', async (t) => {
  const { client, coordinator, settle, notice } = world();
  const events = client.events({ recent: 5, taskId: 't1' });
  await settle();
  const first = coordinator.peer;
  notice(first, [event(1)]);
  await settle();
  first.connection.close(ERRORS.GOING_AWAY.code, 'stops');
  await settle(2000);
  const { peer } = coordinator;
  t.not(peer, first);
  t.match(lastOf(peer), { recent: 0, taskId: 't1', credit: EVENT_CREDIT - 1 }, 'what was before is known');
  notice(peer, [event(2)]);
  await settle();
  t.match(await events.next(), { value: event(1) });
  t.match(await events.next(), { value: { event: 'missed', missed: null } });
  t.match(await events.next(), { value: event(2) });
  // twice at once is fine
  const both = [events.next(), events.next()];
  notice(peer, [event(3), event(4)]);
  await settle();
  t.match(await Promise.all(both), [{ value: event(3) }, { value: event(4) }]);
  client.close();
});

t.test('a used up connection is replaced: what still comes on the old one is not mixed in', async (t) => {
  const { client, coordinator, settle, notice } = world({ recycle: { streams: 1000, bytes: 1000 } });
  const events = client.events();
  await settle();
  const first = coordinator.peer;
  const old = lastOf(first).requestId;
  for (let at = 1; at <= 8; at++) notice(first, [event(at)]);
  await settle(50);
  t.not(coordinator.peer, first);
  notice(first, [event(100)], 0, old);
  notice(coordinator.peer, [event(9)]);
  await settle();
  const got: unknown[] = [];
  for (let i = 0; i < 10; i++) got.push((await events.next()).value);
  t.match(got, [...[1, 2, 3, 4, 5, 6, 7, 8].map(event), { event: 'missed', missed: null }, event(9)]);
  await events.return?.();
  await settle();
  t.match(lastOf(coordinator.peer), { credit: 0 });
  client.close();
});

t.test('the latest events, once', async (t) => {
  const { client, coordinator, settle, notice } = world();
  const latest = client.recentEvents({ agentId: 'a' });
  await settle();
  const { peer } = coordinator;
  t.match(lastOf(peer), { credit: 1, recent: 512, agentId: 'a' });
  notice(peer, [event(1), event(2)]);
  await settle();
  t.same(await latest, [event(1), event(2)]);
  await settle();
  t.match(lastOf(peer), { credit: 0 });
  client.close();
});

t.test('a refusal and an abort end the loop', async (t) => {
  const { client, coordinator, settle } = world();
  const refused = client.events();
  await settle();
  const { peer } = coordinator;
  const { requestId } = lastOf(peer);
  const { code } = ERRORS.TOO_MANY_REQUESTS;
  peer.send({ type: 'ErrorReport', code, name: 'TOO_MANY_REQUESTS', message: 'too many follow', requestId });
  await settle();
  await t.rejects(refused.next(), TaskRejected);
  t.same(await refused.next(), { done: true, value: undefined });
  const stop = new AbortController();
  const aborted = client.events({ signal: stop.signal });
  const waiting = aborted.next();
  stop.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
  await settle();
  t.match(lastOf(peer), { credit: 0 });
  t.throws(() => client.events({ signal: stop.signal }), { message: 'enough' });
  client.close();
});
