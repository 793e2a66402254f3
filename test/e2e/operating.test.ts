import t from 'tap';
import { errorLine, runCli, startSwarm } from '../support/cli.js';

/** For a process whose clock is an hour ahead. */
const HOUR_AHEAD = {
  NODE_OPTIONS: '--import=data:text/javascript,Date.now=(now=>()=>now()+3600000)(Date.now)',
};
const ECHO = '{"function": "echo", "input": 1}';

t.test('an operator pauses a kind, sees why its tasks wait, and lets it go on', async (t) => {
  const swarm = await startSwarm(t);
  const agent = await swarm.agent('agent-1');
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
  const early = (command: string) =>
    runCli('swarm-coordinator', [command, '--connect', swarm.address], { cwd: swarm.cwd, env: HOUR_AHEAD });
  const [up, heard, ages] = await Promise.all([early('status'), early('agents'), early('tasks')]);
  t.match(up.stdout, /^up +\d+s$/m, 'ages are told by the clock of the coordinator');
  t.match(heard.stdout, /^agent-1 .* \ds ago /m);
  t.notMatch(ages.stdout, /\dh/);
  t.equal((await swarm.run(['resume', 'compute'])).status, 0);
  t.match(
    JSON.parse((await swarm.run(['submit', 'compute', '--input', '-', '--wait', '--json'], ECHO)).stdout),
    {
      state: 'completed',
    },
  );

  const [events, ofAgent, louder, silly] = await Promise.all([
    swarm.run(['events', '--task', id]),
    swarm.run(['log-level', 'debug', '--agent', 'agent-1']),
    swarm.run(['log-level', 'debug', '--json']),
    swarm.run(['log-level', 'loud']),
  ]);
  const told = events.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.match(told[0], { event: 'task-submitted', taskId: id, kind: 'compute', agentId: null });
  t.match(told.at(-1), { event: 'task-completed', taskId: id, attempt: 1, agentId: 'agent-1' });
  const keys = ['at', 'event', 'taskId', 'kind', 'priority', 'attempt', 'agentId', 'agentType', 'detail'];
  for (const line of told) t.strictSame(Object.keys(line), keys);
  t.strictSame([ofAgent.status, ofAgent.stdout], [0, 'agent agent-1 logs debug from now on\n']);
  t.strictSame([louder.status, JSON.parse(louder.stdout)], [0, { agentId: null, logLevel: 'debug' }]);
  t.equal(silly.status, 2);
  t.match(errorLine(silly), /'loud'.*LEVEL.*trace, debug, info/);
  const run = await swarm.run(['submit', 'compute', '--input', '-', '--wait', '--json'], ECHO);
  const { taskId } = JSON.parse(run.stdout) as { taskId: string };
  const attempt = { taskId, kind: 'compute', attempt: 1, agentId: 'agent-1', durationMs: Number };
  const ofTask = (line: object) => 'taskId' in line && line.taskId === taskId;
  t.match(await swarm.coordinator.line('task completed', ofTask), { level: 'debug', ...attempt });
  t.match(await agent.line('run completed', ofTask), { level: 'debug', ...attempt });
  t.strictSame([...swarm.coordinator.otherLines, ...agent.otherLines], [], 'every line is JSON');
  swarm.coordinator.kill('SIGUSR2');
  const bySignal = await swarm.coordinator.line('log level changed', ({ by }) => by === 'SIGUSR2');
  t.match(bySignal, { logLevel: 'info', before: 'debug' });

  const drain = await swarm.run(['drain', '--timeout', '5s', '--json']);
  t.strictSame([drain.status, JSON.parse(drain.stdout)], [0, { state: 'stopped' }]);
  t.strictSame(await swarm.coordinator.exited, { status: 0, signal: null });
  const nobody = await swarm.run(['drain']);
  t.equal(nobody.status, 3, 'no coordinator answers');
});
