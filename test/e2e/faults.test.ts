import t from 'tap';
import { Daemon, startCoordinator } from '../../scripts/lib/daemons.js';
import { runCli, startSwarm } from '../support/cli.js';
import { makeGate } from '../support/gate.js';

const SUBMIT = ['submit', 'compute', '--input', '-', '--wait', '--json'];
const ECHO = '{"function": "echo", "input": 7}';

t.test('a task whose agent is killed goes to another', async (t) => {
  const swarm = await startSwarm(t, ['--heartbeat-interval', '100ms', '--session-grace', '200ms']);
  const gate = await makeGate(t, swarm.cwd);
  const first = await swarm.agent('agent-1', ['--handlers', gate.handlers]);
  const waiting = swarm.run(SUBMIT, gate.input);
  await gate.begun(1);
  first.kill('SIGKILL');
  await swarm.agent('agent-2', ['--handlers', gate.handlers]);
  await gate.begun(2);
  gate.open();
  const outcome = await waiting;
  t.equal(outcome.status, 0, outcome.stderr);
  t.match(JSON.parse(outcome.stdout), { state: 'completed', result: 'go', agentId: 'agent-2', attempts: 2 });
});

t.test('an agent comes back to a coordinator that was restarted', async (t) => {
  // A quiet agent finds out at its next heartbeat.
  const swarm = await startSwarm(t, ['--heartbeat-interval', '200ms']);
  const agent = await swarm.agent('agent-1', ['--reconnect-max', '500ms']);
  swarm.coordinator.kill('SIGKILL');
  await swarm.coordinator.exited;
  const { daemon } = await startCoordinator(swarm.cwd, ['--listen', swarm.address]);
  t.teardown(() => daemon.stop());
  await daemon.line('agent resumed', (line) => line['agentId'] === 'agent-1');
  const echo = await swarm.run(SUBMIT, ECHO);
  t.match(JSON.parse(echo.stdout), { state: 'completed', result: 7, agentId: 'agent-1' });
  t.equal(agent.lines.filter(({ msg }) => msg === 'registered').length, 2);
});

t.test('a coordinator that drains takes nothing new, lets work finish, and exits 0', async (t) => {
  const swarm = await startSwarm(t);
  const gate = await makeGate(t, swarm.cwd);
  const agent = await swarm.agent('agent-1', ['--handlers', gate.handlers]);
  const waiting = swarm.run(SUBMIT, gate.input);
  await gate.begun(1);
  swarm.coordinator.kill('SIGTERM');
  await swarm.coordinator.line('draining');
  const refused = await swarm.run(SUBMIT, ECHO);
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

t.test('an agent that is stopped finishes what runs; what waits goes to others', async (t) => {
  const swarm = await startSwarm(t);
  const gate = await makeGate(t, swarm.cwd);
  const agent = await swarm.agent('agent-1', ['--concurrency', '1', '--handlers', gate.handlers]);
  const running = swarm.run(SUBMIT, gate.input);
  await gate.begun(1);
  const queued = swarm.run(SUBMIT, ECHO);
  agent.kill('SIGTERM');
  await swarm.coordinator.line('agent drains');
  gate.open();
  t.match(await agent.exited, { status: 0 });
  t.match(JSON.parse((await running).stdout), { state: 'completed', agentId: 'agent-1', attempts: 1 });
  await swarm.agent('agent-2');
  t.match(JSON.parse((await queued).stdout), { state: 'completed', agentId: 'agent-2' });
});

t.test('a second agent of the same id waits for the first one to go', async (t) => {
  const swarm = await startSwarm(t, ['--heartbeat-interval', '200ms']);
  const first = await swarm.agent('agent-1');
  const second = new Daemon(
    'swarm-agent',
    ['--id', 'agent-1', '--connect', swarm.address, '--reconnect-max', '300ms', '--state-dir', 'elsewhere'],
    swarm.cwd,
  );
  t.teardown(() => second.stop());
  await swarm.coordinator.line('connection refused', (line) => line['error'] === 'AGENT_ID_IN_USE');
  await first.stop();
  await second.line('registered');
  t.pass('it took over');
});

t.test('a second agent on the same state directory is refused by name', async (t) => {
  const swarm = await startSwarm(t);
  const first = await swarm.agent('agent-1');
  const second = await runCli('swarm-agent', ['--id', 'agent-1', '--connect', swarm.address], {
    cwd: swarm.cwd,
  });
  t.equal(second.status, 2);
  t.match(second.stderr, new RegExp(`error: --state-dir: .*agent-1: .*${String(first.pid)}`));
});

t.test('a client that is interrupted says so; the task goes on', async (t) => {
  const swarm = await startSwarm(t);
  const gate = await makeGate(t, swarm.cwd);
  await swarm.agent('agent-1', ['--handlers', gate.handlers]);
  const waiting = swarm.start(SUBMIT, gate.input);
  await gate.begun(1);
  waiting.kill('SIGINT');
  const ended = await waiting.result;
  t.equal(ended.status, 130);
  t.match(ended.stderr, /^task [0-9a-f-]+ goes on\nerror: interrupted\n$/);
  gate.open();
  await swarm.agent('agent-2');
  const status = JSON.parse((await swarm.run(['status', '--json'])).stdout) as {
    tasks: Record<string, number>;
  };
  t.equal(status.tasks['cancelled'], 0);
});
