import t from 'tap';
import { errorLine, startSwarm } from '../support/cli.js';

const ECHO = '{"function": "echo", "input": 1}';

t.test('an operator pauses a kind, sees why its tasks wait, and lets it go on', async (t) => {
  const swarm = await startSwarm(t);
  await swarm.agent('agent-1');
  const paused = await swarm.run(['pause', 'compute']);
  t.strictSame([paused.status, paused.stdout], [0, 'compute paused\n']);
  const id = (await swarm.run(['submit', 'compute', '--input', '-'], ECHO)).stdout.trim();
  const [task, tasks, status, wrong] = await Promise.all([
    swarm.run(['task', id]),
    swarm.run(['tasks', '--json']),
    swarm.run(['status']),
    swarm.run(['pause', 'compte']),
  ]);
  t.match(task.stdout, /^waits for {3}kind 'compute' is paused.*\(paused\)$/m);
  t.match(JSON.parse(tasks.stdout), [{ taskId: id, state: 'queued', waitsFor: { reason: 'paused' } }]);
  t.match(status.stdout, /^paused +compute$/m);
  t.equal(wrong.status, 2);
  t.match(errorLine(wrong), /UNKNOWN_KIND.*'compte'/);
  t.equal((await swarm.run(['resume', 'compute'])).status, 0);
  t.match(
    JSON.parse((await swarm.run(['submit', 'compute', '--input', '-', '--wait', '--json'], ECHO)).stdout),
    {
      state: 'completed',
    },
  );

  const drain = await swarm.run(['drain', '--timeout', '5s', '--json']);
  t.strictSame([drain.status, JSON.parse(drain.stdout)], [0, { state: 'stopped' }]);
  t.strictSame(await swarm.coordinator.exited, { status: 0, signal: null });
  const nobody = await swarm.run(['drain']);
  t.equal(nobody.status, 3, 'no coordinator answers');
});
