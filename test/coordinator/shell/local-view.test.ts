import t, { type Test } from 'tap';
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import type { SwarmEvent } from '../../../src/protocol/messages.js';
import { encodeValue } from '../../../src/protocol/value.js';
import { FakeClock, pass } from '../../support/fake-clock.js';
import { MemoryNetwork } from '../../support/memory-transport.js';
import { CLIENT_HELLO, Speaker } from '../../support/speaker.js';

async function world(t: Test) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const coordinator = new Coordinator({ listener: network.listen('c:1'), clock, joinToken: 'secret' });
  await coordinator.start();
  t.teardown(() => coordinator.close());
  const letPass = (ms: number) => pass(clock, ms);
  const client = new Speaker(network.connector('c:1'));
  client.control.send({ ...CLIENT_HELLO, joinToken: 'secret' });
  await letPass(5);
  const submit = async (requestId: number): Promise<string> => {
    const input = encodeValue({ function: 'echo', input: 1 });
    client.control.send({ type: 'SubmitTask', requestId, kind: 'compute', watch: false }, input);
    await letPass(10);
    return client.control.of('MessageAck').at(-1)?.taskIds[0] ?? '';
  };
  return { coordinator, client, submit, pass: letPass, view: coordinator.view };
}

t.test('it says what a client is told, and is not counted as one', async (t) => {
  const { view, client, submit, pass } = await world(t);
  const taskId = await submit(1);
  client.control.send({ type: 'QueryStatus', requestId: 2 });
  await pass(5);
  const [report] = client.control.of('StatusReport');
  const { memoryBytes: _memory, now, ...status } = await view.status();
  t.match(report, status);
  t.ok(Number(now) >= Number(report?.now));
  t.equal(status.clients, 1);
  t.match(await view.tasks({ state: 'queued' }), { tasks: [{ taskId, kind: 'compute' }], more: false });
  t.match(await view.task(taskId), {
    task: { taskId, state: 'queued' },
    history: [{ event: 'submit' }],
    result: null,
  });
  t.same(await view.agents(), []);
});

t.test('changes are made, and refused as a client would be refused', async (t) => {
  const { view, submit } = await world(t);
  const taskId = await submit(1);
  await t.rejects(view.retry(taskId), { name: 'TASK_NOT_RETRYABLE' });
  await view.cancel(taskId);
  await t.rejects(view.cancel(taskId), { name: 'TASK_FINISHED' });
  await view.retry(taskId);
  t.equal((await view.task(taskId)).task.state, 'queued');
  await t.rejects(view.task('nobody'), { name: 'UNKNOWN_TASK' });
});

t.test('events come while somebody listens', async (t) => {
  const { view, submit, pass } = await world(t);
  const seen: SwarmEvent[] = [];
  const stop = view.subscribe((events) => void seen.push(...events));
  const taskId = await submit(1);
  t.match(seen, [{ event: 'task-submitted', taskId }]);
  // more notices than are under way at once
  for (let requestId = 2; requestId < 150; requestId++) await submit(requestId);
  t.equal(seen.length, 149);
  stop();
  await submit(200);
  await pass(5);
  t.equal(seen.length, 149);
});

t.test('readiness tells of a drain and of the end', async (t) => {
  const { view, coordinator } = await world(t);
  t.ok(view.readiness().every(({ ok }) => ok));
  await coordinator.drain(10, 'test');
  t.match(view.readiness(), [
    { name: 'store', ok: true },
    { name: 'socket', ok: true },
    { name: 'accepting', ok: false, reason: 'draining' },
  ]);
  await coordinator.close();
  t.ok(view.readiness().every(({ ok }) => !ok));
  await t.rejects(view.status(), { name: 'GOING_AWAY' });
});
