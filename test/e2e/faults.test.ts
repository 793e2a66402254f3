import t from 'tap';
import { Daemon } from '../../scripts/lib/daemons.js';
import { runCli, startSwarm } from '../support/cli.js';
import { makeGate } from '../support/gate.js';

const SUBMIT = ['submit', 'compute', '--input', '-', '--wait', '--json'];
const ECHO = { kind: 'compute', input: { function: 'echo', input: 7 } };

t.test('a task whose agent is killed goes to another', async (t) => {
  const swarm = await startSwarm(t, ['--heartbeat-interval', '100ms', '--session-grace', '200ms']);
  const gate = await makeGate(t, swarm.cwd);
  const first = await swarm.agent('agent-1', ['--handlers', gate.handlers]);
  const client = await swarm.client();
  const outcome = client.run(gate.task);
  await gate.begun(1);
  first.kill('SIGKILL');
  await swarm.agent('agent-2', ['--handlers', gate.handlers]);
  await gate.begun(2);
  gate.open();
  t.match(await outcome, { state: 'completed', result: 'go', agentId: 'agent-2', attempts: 2 });
});

t.test('what stops, and what comes back', async (t) => {
  // A quiet agent finds out at its next heartbeat that the coordinator is another process.
  const swarm = await startSwarm(t, ['--heartbeat-interval', '200ms']);
  const client = await swarm.client();

  await t.test('a second agent on the same state directory is refused by name', async (t) => {
    const first = await swarm.agent('agent-1');
    const second = await runCli('swarm-agent', ['--id', 'agent-1', '--connect', swarm.address], {
      cwd: swarm.cwd,
    });
    t.equal(second.status, 2);
    t.match(second.stderr, new RegExp(`error: --state-dir: .*agent-1: .*${String(first.pid)}`));
    await first.stop();
  });

  await t.test('a second agent of the same id waits for the first one to go', async (t) => {
    const first = await swarm.agent('agent-2');
    const second = new Daemon(
      'swarm-agent',
      ['--id', 'agent-2', '--connect', swarm.address, '--reconnect-max', '300ms', '--state-dir', 'elsewhere'],
      swarm.cwd,
    );
    t.teardown(() => second.stop());
    await swarm.coordinator.line('connection refused', (line) => line['error'] === 'AGENT_ID_IN_USE');
    t.notOk(second.lines.some(({ msg }) => msg === 'registered'));
    await first.stop();
    await second.line('registered');
  });

  await t.test('an agent that is stopped finishes what runs; what waits goes to others', async (t) => {
    const gate = await makeGate(t, swarm.cwd);
    const agent = await swarm.agent('agent-3', ['--concurrency', '1', '--handlers', gate.handlers]);
    const running = client.run(gate.task);
    await gate.begun(1);
    const queued = client.run(ECHO);
    agent.kill('SIGTERM');
    await swarm.coordinator.line('agent drains', (line) => line['agentId'] === 'agent-3');
    gate.open();
    t.match(await agent.exited, { status: 0 });
    t.match(await running, { state: 'completed', agentId: 'agent-3', attempts: 1 });
    const other = await swarm.agent('agent-4');
    t.match(await queued, { state: 'completed', agentId: 'agent-4' });
    await other.stop();
  });

  await t.test('a client that is interrupted says so; the task goes on', async (t) => {
    const gate = await makeGate(t, swarm.cwd);
    const agent = await swarm.agent('agent-5', ['--handlers', gate.handlers]);
    const waiting = swarm.start(SUBMIT, gate.input);
    await gate.begun(1);
    waiting.kill('SIGINT');
    const ended = await waiting.result;
    t.equal(ended.status, 130);
    const [, taskId = ''] = /^task ([0-9a-f-]+) goes on\nerror: interrupted\n$/.exec(ended.stderr) ?? [];
    gate.open();
    t.match(await client.watch(taskId), { state: 'completed', result: 'go' });
    await agent.stop();
  });

  await t.test('an agent comes back to a coordinator that was restarted', async (t) => {
    const agent = await swarm.agent('agent-6', ['--reconnect-max', '500ms']);
    await swarm.crash();
    await swarm.coordinator.line('agent resumed', (line) => line['agentId'] === 'agent-6');
    const again = await swarm.client();
    t.match(await again.run(ECHO), { state: 'completed', result: 7, agentId: 'agent-6' });
    t.equal(agent.lines.filter(({ msg }) => msg === 'registered').length, 2);
    await agent.stop();
  });

  await t.test('a coordinator that drains takes nothing new, lets work finish, and exits 0', async (t) => {
    const gate = await makeGate(t, swarm.cwd);
    const agent = await swarm.agent('agent-7', ['--handlers', gate.handlers]);
    const waiting = swarm.run(SUBMIT, gate.input);
    await gate.begun(1);
    swarm.coordinator.kill('SIGTERM');
    await swarm.coordinator.line('draining');
    // a terminal that is closed, or a reload that comes too late, does not end it sooner
    swarm.coordinator.kill('SIGHUP');
    const refused = await swarm.run(SUBMIT, gate.input);
    t.equal(refused.status, 4);
    t.match(refused.stderr, /^error: .*DRAINING/);
    const status = await swarm.run(['status', '--json']);
    t.match(JSON.parse(status.stdout), { draining: true });
    gate.open();
    const outcome = await waiting;
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(JSON.parse(outcome.stdout), { state: 'completed', result: 'go' });
    t.match(await swarm.coordinator.exited, { status: 0 });
    agent.kill('SIGTERM');
    t.match(await agent.exited, { status: 0 }, 'an agent without its coordinator stops as well');
  });
});
