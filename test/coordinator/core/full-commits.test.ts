import t from 'tap';
import { World } from './world.js';

void t.test('a commit that is full leaves what later turns bring to the ones after it', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const client = world.client();
  world.autoCommit = false;
  const sizes: (number | undefined)[] = [];
  // one turn each: the first is under way at once, the next two fill one, and so on
  for (let i = 0; i < 6; i++) client.send();
  for (let i = 0; world.waiting !== null && i < 10; i++) {
    sizes.push(world.waiting.ops.length);
    world.commit();
  }
  t.same(sizes, [1, 2, 2, 1]);
  const told = world.takeType(client.connectionId, 'MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(told, [1, 2, 3, 4, 5, 6], 'each is acknowledged once, in order');
});

void t.test('what one turn brings stays together, however much it is', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const agent = world.agent('a1', { concurrency: 4 });
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  client.send();
  for (let i = 0; i < 3; i++) client.send();
  world.commit();
  const ops = world.waiting?.ops.map(({ op }) => op) ?? [];
  t.same(ops, ['submit', 'lease'], 'a submit is in one commit with its lease');
});

void t.test('after a failure nothing overtakes what waited', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 6; i++) client.send();
  world.failCommit();
  t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE', requestId: 1 } }]);
  world.autoCommit = true;
  world.advance(1_000);
  const told = world.takeType(client.connectionId, 'MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(told, [2, 3, 4, 5, 6]);
  t.equal(world.core.state.commits.idle, true);
  t.equal(world.core.state.commits.bytes, 0);
});
