import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { errorLine, runCli, startSwarm, type CliResult } from '../support/cli.js';
import { makeGate } from '../support/gate.js';

const ECHO = { kind: 'compute', input: { function: 'echo', input: 7 } };
const SUBMIT = ['submit', 'compute', '--input', '-'];

interface Listed {
  readonly taskId: string;
  readonly state: string;
}

const listed = (result: CliResult) => JSON.parse(result.stdout) as Listed[];
const lastLine = (result: CliResult) => `${result.stderr.trimEnd().split('\n').at(-1) ?? ''}\n`;

t.test('what is stored, and where', async (t) => {
  // A quiet agent finds out at its next heartbeat that the coordinator is another process.
  const swarm = await startSwarm(t, ['--heartbeat-interval', '200ms']);
  /** Another coordinator on the same data directory. */
  const another = () =>
    runCli('swarm-coordinator', ['--listen', '127.0.0.1:0', '--no-http'], { cwd: swarm.cwd });

  await t.test('what was accepted survives a kill of the coordinator', async (t) => {
    const batch = Array.from({ length: 50 }, (_, index) =>
      JSON.stringify({ kind: 'compute', input: { function: 'echo', input: index } }),
    ).join('\n');
    const submitted = await swarm.run(['submit', '--batch', '-', '--json'], `${batch}\n`);
    t.equal(submitted.status, 0, submitted.stderr);
    const keyed = [...SUBMIT, '--idempotency-key', 'k1'];
    const before = await swarm.run(keyed, JSON.stringify(ECHO.input));
    await swarm.crash();
    const again = await swarm.run(keyed, JSON.stringify(ECHO.input));
    t.equal(again.stdout, before.stdout, 'the key gives the same task after the restart');
    const client = await swarm.client();
    t.equal((await client.tasks({ state: 'queued' })).tasks.length, 51);
    const agent = await swarm.agent('agent-1');
    t.match(await client.run({ ...ECHO, priority: 0 }), { state: 'completed', result: 7 });
    const done = listed(await swarm.run(['tasks', '--state', 'completed', '--json']));
    t.equal(done.length, 52);
    t.equal(new Set(done.map(({ taskId }) => taskId)).size, 52);
    await agent.stop();
  });

  await t.test('a running task goes on across a kill of the coordinator, and is not run twice', async (t) => {
    const gate = await makeGate(t, swarm.cwd);
    const agent = await swarm.agent('agent-2', ['--handlers', gate.handlers, '--reconnect-max', '200ms']);
    const keyed = { ...gate.task, idempotencyKey: 'gate' };
    const { taskId } = await (await swarm.client()).submit(keyed);
    await gate.begun(1);
    await swarm.crash();
    await swarm.coordinator.line('agent resumed');
    const client = await swarm.client();
    t.match((await client.task(taskId)).task, { state: 'leased', attempts: 1, agentId: 'agent-2' });
    gate.open();
    t.match(await client.run(keyed), { taskId, state: 'completed', result: 'go', attempts: 1 });
    await agent.stop();
  });

  await t.test('dead letters are listed, told, and retried; queued tasks are cancelled', async (t) => {
    const fails = join(swarm.cwd, 'fails.mjs');
    const flag = join(swarm.cwd, 'mended');
    await writeFile(
      fails,
      `import { existsSync } from 'node:fs';
export const functions = { fragile: () => { if (!existsSync(${JSON.stringify(flag)})) throw new Error('broken'); return 'mended'; } };
`,
    );
    const client = await swarm.client();
    const agent = await swarm.agent('agent-3', ['--handlers', fails]);
    const fragile = {
      kind: 'compute',
      input: { function: 'fragile' },
      idempotencyKey: 'fragile',
      attempts: 1,
    };
    const { taskId, state } = await client.run(fragile);
    t.equal(state, 'dead');
    const letters = await swarm.run(['tasks', '--state', 'dead', '--json']);
    t.match(listed(letters), [{ taskId, state: 'dead' }]);
    const table = await swarm.run(['tasks', '--state', 'dead']);
    t.match(table.stdout, new RegExp(`^TASK[^\\n]*\\n${taskId} +compute +dead`));
    const told = await swarm.run(['task', taskId]);
    t.match(told.stdout, /error +.*broken/);
    t.match(told.stdout, /submit\n[^]*lease {2}attempt 1 {2}agent-3\n[^]*fail/);

    await writeFile(flag, '');
    const retried = await swarm.run(['retry', taskId]);
    t.equal(retried.stdout, `${taskId} queued\n`, retried.stderr);
    t.match(await client.run(fragile), { taskId, state: 'completed', result: 'mended' });
    const twice = await swarm.run(['retry', taskId]);
    t.equal(twice.status, 2);
    t.match(errorLine(twice), /^error: refused \(TASK_NOT_RETRYABLE\)/);

    const { taskId: delayed } = await client.submit({ ...ECHO, delayMs: 3_600_000 });
    t.match(listed(await swarm.run(['tasks', '--state', 'delayed', '--json'])), [{ taskId: delayed }]);
    const cancelled = await swarm.run(['cancel', delayed, '--json']);
    t.same(JSON.parse(cancelled.stdout), { taskId: delayed, state: 'cancelled' });
    const finished = await swarm.run(['cancel', delayed]);
    t.equal(finished.status, 2);
    t.match(errorLine(finished), /TASK_FINISHED/);
    await t.rejects(client.cancel('01890a5d-ac96-774b-bcce-b302099a8057'), {
      message: /no task/i,
    });
    await agent.stop();
  });

  await t.test('a cancelled running task is aborted', async (t) => {
    const gate = await makeGate(t, swarm.cwd);
    const client = await swarm.client();
    const agent = await swarm.agent('agent-4', ['--handlers', gate.handlers]);
    const waiting = swarm.run([...SUBMIT, '--wait', '--json'], gate.input);
    await gate.begun(1);
    const [task] = (await client.tasks({ state: 'leased' })).tasks;
    await client.cancel(task?.taskId ?? '');
    const outcome = await waiting;
    t.equal(outcome.status, 1);
    t.match(JSON.parse(outcome.stdout), { state: 'cancelled' });
    await agent.stop();
  });

  await t.test('a second coordinator on the same data directory is refused by name', async (t) => {
    const second = await another();
    t.equal(second.status, 2);
    t.match(errorLine({ ...second, stderr: lastLine(second) }), /^error: --data-dir: .*swarm-data.*in use/);
    t.match(second.stderr, new RegExp(String(swarm.coordinator.pid)));
  });

  await t.test('a damaged or foreign database is named, and left as it was', async (t) => {
    await swarm.coordinator.stop();
    const file = join(swarm.cwd, 'swarm-data', 'swarm.sqlite');
    const good = await readFile(file);
    const damaged = Buffer.from(good);
    damaged.fill(0x5a, 0, Math.min(good.length, 8192));
    for (const bytes of [damaged, Buffer.from('certainly no database')]) {
      await writeFile(file, bytes);
      const refused = await another();
      t.equal(refused.status, 2);
      t.match(lastLine(refused), /^error: --data-dir: .*swarm\.sqlite/);
      t.same(await readFile(file), bytes, 'nothing was overwritten');
    }
  });
});
