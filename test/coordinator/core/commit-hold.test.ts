import t from 'tap';
import { messagesOf, World } from './world.js';

/** A world whose agent has shown that tasks are quick: from lease to result in no time. */
function quickWorld() {
  const world = new World({ commitHoldMs: 1 });
  const agent = world.agent('agent-1');
  const client = world.client();
  client.submit({ watch: true });
  agent.complete(agent.takeTask());
  world.take(client.connectionId);
  world.take(agent.connectionId);
  world.autoCommit = false;
  return { world, agent, client };
}

const opsOf = (world: World) => world.waiting?.ops.map(({ op }) => op) ?? [];

t.test('a quick task is stored with its result, in one commit', (t) => {
  const { world, agent, client } = quickWorld();
  client.send({ watch: true });
  t.same(opsOf(world), [], 'nothing is committed yet');
  t.same(world.take(client.connectionId), [], 'and nothing acknowledged');
  agent.complete(agent.takeTask());
  t.same(opsOf(world), ['submit', 'lease', 'complete']);
  t.same(world.take(client.connectionId), []);
  world.commit();
  const told = world.take(client.connectionId);
  t.equal(messagesOf(told, 'MessageAck').length, 1);
  t.match(messagesOf(told, 'TaskUpdate'), [{ task: { state: 'completed' } }]);
  t.end();
});

t.test('the commit does not wait for longer than it may', (t) => {
  const { world, agent, client } = quickWorld();
  client.send({ watch: true });
  t.ok(agent.takeTask());
  t.same(opsOf(world), []);
  world.advance(1);
  t.same(opsOf(world), ['submit', 'lease']);
  world.commit();
  t.equal(messagesOf(world.take(client.connectionId), 'MessageAck').length, 1);
  t.end();
});

t.test('nobody who waits for the acknowledgement is kept waiting', (t) => {
  const { world, agent, client } = quickWorld();
  client.send({ watch: false });
  t.same(opsOf(world), ['submit', 'lease'], 'the client does not watch');
  world.commit();
  agent.complete(agent.takeTask());
  world.commit();
  client.send({ watch: true, delayMs: 1_000 });
  t.same(opsOf(world), ['submit'], 'no agent has it');
  world.commit();
  client.send({ watch: true });
  world.client().send({ watch: false });
  t.same(opsOf(world), ['submit', 'lease', 'submit'], 'somebody else waits');
  t.end();
});

t.test('slow kinds do not wait', (t) => {
  const world = new World({ commitHoldMs: 1 });
  const agent = world.agent('agent-1');
  const client = world.client();
  client.submit({ watch: true });
  const first = agent.takeTask();
  world.advance(5);
  agent.complete(first);
  world.autoCommit = false;
  client.send({ watch: true });
  t.same(opsOf(world), ['submit', 'lease']);
  t.end();
});
