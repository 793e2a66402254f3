import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startAgent, startCoordinator, type Daemon } from '../../scripts/lib/daemons.js';
import { errorLine, runCli, startSwarm, type CliResult } from '../support/cli.js';
import { makeGate } from '../support/gate.js';

const ECHO = '{"function": "echo", "input": 7}';
const SUBMIT = ['submit', 'compute', '--input', '-'];

/** A quiet agent finds out at its next heartbeat that the coordinator is another process. */
const QUICK = ['--heartbeat-interval', '200ms'];

interface Listed {
  readonly taskId: string;
  readonly state: string;
}

const listed = (result: CliResult) => JSON.parse(result.stdout) as Listed[];

/** Kills the coordinator without warning and starts it again on its address and data directory. */
async function restart(
  t: Test,
  swarm: { cwd: string; address: string; coordinator: Daemon },
): Promise<Daemon> {
  swarm.coordinator.kill('SIGKILL');
  await swarm.coordinator.exited;
  const { daemon } = await startCoordinator(swarm.cwd, ['--listen', swarm.address, ...QUICK]);
  t.teardown(() => daemon.stop());
  return daemon;
}

t.test('what was accepted survives a kill of the coordinator', async (t) => {
  const swarm = await startSwarm(t);
  const batch = Array.from({ length: 50 }, (_, index) =>
    JSON.stringify({ kind: 'compute', input: { function: 'echo', input: index } }),
  ).join('\n');
  const submitted = await swarm.run(['submit', '--batch', '-', '--json'], `${batch}\n`);
  t.equal(submitted.status, 0, submitted.stderr);
  const keyed = await swarm.run([...SUBMIT, '--idempotency-key', 'k1'], ECHO);
  await restart(t, swarm);
  const again = await swarm.run([...SUBMIT, '--idempotency-key', 'k1'], ECHO);
  t.equal(again.stdout, keyed.stdout, 'the key gives the same task after the restart');
  const waiting = await swarm.run(['tasks', '--state', 'queued', '--json']);
  t.equal(listed(waiting).length, 51);
  const agent = await startAgent(swarm.cwd, swarm.address, 'agent-1');
  t.teardown(() => agent.stop());
  const last = await swarm.run([...SUBMIT, '--priority', '0', '--wait', '--json'], ECHO);
  t.match(JSON.parse(last.stdout), { state: 'completed', result: 7 });
  const done = await swarm.run(['tasks', '--state', 'completed', '--json']);
  t.equal(listed(done).length, 52);
  t.equal(new Set(listed(done).map(({ taskId }) => taskId)).size, 52);
});

t.test('a running task goes on across a kill of the coordinator, and is not run twice', async (t) => {
  const swarm = await startSwarm(t, QUICK);
  const gate = await makeGate(t, swarm.cwd);
  await swarm.agent('agent-1', ['--handlers', gate.handlers, '--reconnect-max', '200ms']);
  const keyed = [...SUBMIT, '--idempotency-key', 'gate'];
  const id = (await swarm.run(keyed, gate.input)).stdout.trim();
  await gate.begun(1);
  const daemon = await restart(t, swarm);
  await daemon.line('agent resumed');
  const running = await swarm.run(['task', id, '--json']);
  t.match(JSON.parse(running.stdout), { state: 'leased', attempts: 1, agentId: 'agent-1' });
  gate.open();
  const ended = await swarm.run([...keyed, '--wait', '--json'], gate.input);
  t.match(JSON.parse(ended.stdout), { taskId: id, state: 'completed', result: 'go', attempts: 1 });
});

t.test('dead letters are listed, told, and retried; queued tasks are cancelled', async (t) => {
  const swarm = await startSwarm(t);
  const fails = join(swarm.cwd, 'fails.mjs');
  const flag = join(swarm.cwd, 'mended');
  await writeFile(
    fails,
    `import { existsSync } from 'node:fs';
export const functions = { fragile: () => { if (!existsSync(${JSON.stringify(flag)})) throw new Error('broken'); return 'mended'; } };
`,
  );
  await swarm.agent('agent-1', ['--handlers', fails]);
  const input = '{"function": "fragile"}';
  const submit = [...SUBMIT, '--idempotency-key', 'fragile', '--attempts', '1', '--wait', '--json'];
  const dead = await swarm.run(submit, input);
  t.equal(dead.status, 1);
  const { taskId } = JSON.parse(dead.stdout) as Listed;
  const letters = await swarm.run(['tasks', '--state', 'dead', '--json']);
  t.match(listed(letters), [{ taskId, state: 'dead' }]);
  const table = await swarm.run(['tasks', '--state', 'dead']);
  t.match(table.stdout, new RegExp(`^TASK[^\\n]*\\n${taskId} +compute +dead`));
  const told = await swarm.run(['task', taskId]);
  t.match(told.stdout, /error +.*broken/);
  t.match(told.stdout, /submit\n[^]*lease {2}attempt 1 {2}agent-1\n[^]*fail/);

  await writeFile(flag, '');
  const retried = await swarm.run(['retry', taskId]);
  t.equal(retried.stdout, `${taskId} queued\n`, retried.stderr);
  const mended = await swarm.run(submit, input);
  t.match(JSON.parse(mended.stdout), { taskId, state: 'completed', result: 'mended' });
  const twice = await swarm.run(['retry', taskId]);
  t.equal(twice.status, 2);
  t.match(errorLine(twice), /^error: refused \(TASK_NOT_RETRYABLE\)/);

  const delayed = (await swarm.run([...SUBMIT, '--delay', '1h'], ECHO)).stdout.trim();
  t.match(listed(await swarm.run(['tasks', '--state', 'delayed', '--json'])), [{ taskId: delayed }]);
  const cancelled = await swarm.run(['cancel', delayed, '--json']);
  t.same(JSON.parse(cancelled.stdout), { taskId: delayed, state: 'cancelled' });
  const finished = await swarm.run(['cancel', delayed]);
  t.equal(finished.status, 2);
  t.match(errorLine(finished), /TASK_FINISHED/);
  const unknown = await swarm.run(['cancel', '01890a5d-ac96-774b-bcce-b302099a8057']);
  t.equal(unknown.status, 2);
  t.match(errorLine(unknown), /UNKNOWN_TASK/);
});

t.test('a cancelled running task is aborted', async (t) => {
  const swarm = await startSwarm(t);
  const gate = await makeGate(t, swarm.cwd);
  await swarm.agent('agent-1', ['--handlers', gate.handlers]);
  const waiting = swarm.run([...SUBMIT, '--wait', '--json'], gate.input);
  await gate.begun(1);
  const [task] = listed(await swarm.run(['tasks', '--json']));
  t.equal((await swarm.run(['cancel', task?.taskId ?? ''])).status, 0);
  const outcome = await waiting;
  t.equal(outcome.status, 1);
  t.match(JSON.parse(outcome.stdout), { state: 'cancelled' });
});

t.test('a second coordinator on the same data directory is refused by name', async (t) => {
  const swarm = await startSwarm(t);
  const second = await runCli('swarm-coordinator', ['--listen', '127.0.0.1:0', '--no-http'], {
    cwd: swarm.cwd,
  });
  t.equal(second.status, 2);
  t.match(errorLine({ ...second, stderr: lastLine(second) }), /^error: --data-dir: .*swarm-data.*in use/);
  t.match(second.stderr, new RegExp(String(swarm.coordinator.pid)));
});

t.test('a damaged or foreign database is named, and left as it was', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'swarm-damaged-'));
  t.teardown(() => rm(cwd, { recursive: true }));
  const { daemon } = await startCoordinator(cwd);
  await daemon.stop();
  const file = join(cwd, 'swarm-data', 'swarm.sqlite');
  const good = await readFile(file);
  const damaged = Buffer.from(good);
  damaged.fill(0x5a, 0, Math.min(good.length, 8192));
  for (const bytes of [damaged, Buffer.from('certainly no database')]) {
    await writeFile(file, bytes);
    const refused = await runCli('swarm-coordinator', ['--listen', '127.0.0.1:0', '--no-http'], { cwd });
    t.equal(refused.status, 2);
    t.match(lastLine(refused), /^error: --data-dir: .*swarm\.sqlite/);
    t.same(await readFile(file), bytes, 'nothing was overwritten');
  }
});

const lastLine = (result: CliResult) => `${result.stderr.trimEnd().split('\n').at(-1) ?? ''}\n`;
