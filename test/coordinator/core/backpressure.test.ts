import fc from 'fast-check';
import t from 'tap';
import { CommitLog } from '../../../src/coordinator/core/commits/commit-log.js';
import { createTask } from '../../../src/coordinator/core/tasks/task.js';
import type { StoreOp } from '../../../src/store/store.js';
import { World } from './world.js';

const submit = (bytes: number): { op: StoreOp; task: ReturnType<typeof createTask> } => {
  const spec = {
    taskId: 't',
    kind: 'compute',
    priority: 5,
    timeoutMs: 1,
    maxAttempts: 1,
    idempotencyKey: null,
    keyHeldUntil: null,
    affinity: null,
    submittedAt: 0,
  };
  const input = new Uint8Array(bytes);
  return { op: { op: 'submit', spec, input, notBefore: null }, task: createTask(spec, input, null) };
};

void t.test('the commit log knows what waits for the store, whatever happens to it', async () => {
  const command = fc.oneof(
    fc.record({ do: fc.constant('add' as const), bytes: fc.nat(5_000) }),
    fc.record({ do: fc.constantFrom('begin', 'succeed', 'fail', 'remove', 'reply'), bytes: fc.nat(9) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const log = new CommitLog(512);
      const waiting = new Map<ReturnType<typeof createTask>, number>();
      let underWay: { commitId: number; tasks: ReturnType<typeof createTask>[] } | null = null;
      for (const { do: what, bytes } of commands) {
        const [first] = waiting.keys();
        if (what === 'add') {
          const { op, task } = submit(bytes);
          log.add(op, task, null);
          waiting.set(task, bytes);
        } else if (what === 'begin') {
          const begun = log.begin();
          if (begun !== null) {
            const tasks = begun.entries.flatMap(({ task }) => (task === null ? [] : [task]));
            underWay = { commitId: begun.commitId, tasks };
          }
        } else if (what === 'succeed' && underWay !== null) {
          log.succeed(underWay.commitId);
          for (const task of underWay.tasks) waiting.delete(task);
          underWay = null;
        } else if (what === 'fail' && underWay !== null) {
          log.fail(underWay.commitId, ({ op }) => bytes % 2 === 0 && op?.op === 'submit');
          if (bytes % 2 === 0) for (const task of underWay.tasks) waiting.delete(task);
          underWay = null;
        } else if (what === 'remove' && first !== undefined && underWay?.tasks.includes(first) !== true) {
          log.remove(new Map([[first, null]]));
          waiting.delete(first);
        } else if (what === 'reply' && first !== undefined) {
          log.addReply(first, { kind: 'received', connectionId: 'c', requestId: 1 });
        }
        const payload = [...waiting.values()].reduce((sum, size) => sum + size, 0);
        // each entry counts for its texts and objects besides
        if (log.bytes < payload || log.bytes > payload + 512 * commands.length) return false;
      }
      return !log.idle || log.bytes === 0;
    }),
  );
});

void t.test(
  'clients are no longer read when too much waits for the store, and again at half of it',
  async (t) => {
    const world = new World({ maxBacklogBytes: 10_000 });
    const client = world.client();
    world.autoCommit = false;
    client.send({}, new Uint8Array(8_000));
    t.equal(world.intakeOpen, true);
    client.send({}, new Uint8Array(3_000));
    t.equal(world.intakeOpen, false);
    client.send({}, new Uint8Array(100));
    const intakes = () => world.actions.filter(({ type }) => type === 'intake').length;
    t.equal(intakes(), 1, 'said once');
    world.commit();
    t.equal(world.intakeOpen, true, 'what is left is less than half');
    t.equal(intakes(), 2);
    world.commit();
    t.equal(world.core.state.commits.bytes, 0);
  },
);

void t.test('intake opens at half, not before', async (t) => {
  const world = new World({ maxBacklogBytes: 10_000 });
  const client = world.client();
  world.autoCommit = false;
  client.send({}, new Uint8Array(4_000));
  client.send({}, new Uint8Array(6_500));
  t.equal(world.intakeOpen, false);
  world.commit();
  t.equal(world.intakeOpen, false);
  world.commit();
  t.equal(world.intakeOpen, true);
});

void t.test('a flood at a store that is down is bounded as well, and what runs is kept', async (t) => {
  const world = new World({ maxBacklogBytes: 10_000 });
  const agent = world.agent('a1', { concurrency: 3 });
  agent.ack();
  const client = world.client();
  for (let i = 0; i < 5; i++) client.submit();
  const leases = agent.takeTasks();
  world.autoCommit = false;
  client.send();
  world.failCommit('no space left on device');
  for (const lease of leases) agent.complete(lease, new Uint8Array(4_000));
  t.equal(world.intakeOpen, false);
  t.strictSame(agent.takeTasks(), [], 'nothing more is given out, so no more results come');
  for (let i = 0; i < 3; i++) {
    world.advance(1_000);
    world.failCommit('no space left on device');
    t.strictSame(agent.takeTasks(), []);
    agent.heartbeat();
  }
  world.autoCommit = true;
  world.advance(1_000);
  t.equal(world.intakeOpen, true);
  t.equal(agent.takeTasks().length, 2, 'and it goes on by itself');
  t.equal(world.takeType(agent.connectionId, 'MessageAck').flatMap(({ taskIds }) => taskIds).length, 3);
});

void t.test('a refusal names why the store takes nothing, and when to try again', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoCommit = false;
  client.send();
  world.failCommit('the disk is full');
  world.take(client.connectionId);
  client.send();
  t.match(world.take(client.connectionId), [
    { message: { name: 'STORE_UNAVAILABLE', message: /the disk is full/, retryAfterMs: 1_000 } },
  ]);
  t.match(client.retry('x'), []);
});

void t.test(
  'after the pause one change tries the store; until it is stored the others are refused',
  async (t) => {
    const world = new World();
    const agent = world.agent('a1');
    agent.ack();
    const client = world.client();
    world.autoCommit = false;
    const first = client.send();
    agent.takeTask();
    world.failCommit();
    world.take(agent.connectionId);
    world.advance(1_000);
    world.take(client.connectionId);
    const probe = client.send();
    t.strictSame(world.take(client.connectionId), [], 'accepted, if it can be stored');
    t.strictSame(agent.takeTasks(), [], 'but not given out before it is');
    client.send();
    t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE' } }]);
    world.commit();
    t.match(world.takeType(client.connectionId, 'MessageAck'), [{ requestIds: [probe] }]);
    agent.say({ type: 'MessageAck', status: 'processed', requestIds: [], taskIds: [] });
    world.advance(10_000);
    t.equal(agent.takeTasks().length, 1);
    t.not(first, probe);
  },
);

void t.test('with nothing to commit, giving out what is stored tries the store, once', async (t) => {
  const world = new World();
  const client = world.client();
  const agent = world.agent('a1', { concurrency: 1 });
  agent.ack();
  client.submit();
  client.submit();
  const lease = agent.takeTask();
  world.autoCommit = false;
  client.send();
  world.failCommit();
  world.advance(1_000);
  agent.heartbeat({ concurrency: 2 });
  t.equal(agent.takeTasks().length, 1, 'a task that is stored');
  world.failCommit();
  agent.complete(lease);
  agent.heartbeat({ concurrency: 5 });
  for (let i = 0; i < 3; i++) {
    world.advance(1_000);
    world.failCommit();
  }
  t.strictSame(agent.takeTasks(), []);
  world.autoCommit = true;
  world.advance(1_000);
  t.match(world.takeType(agent.connectionId, 'MessageAck'), [{ taskIds: [lease.taskId] }]);
});

void t.test('a submit and its lease of the same turn are one commit', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.autoCommit = false;
  world.client().send();
  t.match(world.waiting?.ops, [{ op: 'submit' }, { op: 'lease' }]);
});
