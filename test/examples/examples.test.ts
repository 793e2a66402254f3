import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { LoggingProcess, PACKAGE_ROOT, withoutSwarmVariables } from '../../scripts/lib/daemons.js';
import { plainNode } from '../../scripts/lib/plain-node.js';
import { taskKinds } from '../../src/tasks/registry.js';
import { testCertificates } from '../support/certificates.js';
import { startSwarm } from '../support/cli.js';

const run = promisify(execFile);

/** Where Debian puts sources of Go packages. */
const GO_PATH = '/usr/share/gocode';
const GO_PACKAGES = ['github.com/lucas-clemente/quic-go', 'github.com/vmihailenco/msgpack/v5'];
const GO_ENVIRONMENT = { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH };

function whyNoGo(): string | false {
  if (spawnSync('go', ['version']).status !== 0) return 'go is not installed';
  const missing = GO_PACKAGES.filter((name) => !existsSync(join(GO_PATH, 'src', name)));
  return missing.length > 0 && `not in ${GO_PATH}: ${missing.join(', ')}`;
}

/** A quiet agent finds out within four heartbeats that the coordinator is gone. */
const QUICK = ['--heartbeat-interval', '200ms'];

t.test('the TypeScript client, and each kind as the README has it', async (t) => {
  const swarm = await startSwarm(t);
  await swarm.agent('agent-1');
  const program = join(PACKAGE_ROOT, '.build/examples/client/main.js');
  const { stdout, stderr } = await run(...plainNode([program, '--connect', swarm.address]), {
    cwd: swarm.cwd,
  });
  t.equal(stderr, '');
  t.match(stdout, /^one task: completed by agent-1, "hello"$/m);
  t.match(stdout, /^progress: \d+ %$/m);
  const [, before, after] = /^training: completed, loss from ([\d.]+) to ([\d.]+)$/m.exec(stdout) ?? [];
  t.ok(Number(before) > 0.3 && Number(after) < 0.05, stdout);
  t.match(stdout, /^batch: completed, nearest is number 1$/m);
  t.match(stdout, /^idempotency: one task$/m);
  t.match(stdout, /^cancel: cancelled/m);
  t.match(stdout, /^cancel again: TASK_FINISHED$/m);

  // In the same swarm, what the README has to be pasted into a shell.
  const page = await readFile(join(PACKAGE_ROOT, 'README.md'), 'utf8');
  const [, section = ''] = page.split('### The five kinds of task\n');
  const [, block = ''] = /```sh\n(echo .*?)```/s.exec(section) ?? [];
  const shim = join(swarm.cwd, 'swarm-coordinator');
  await writeFile(
    shim,
    `#!/bin/sh\nunset NODE_OPTIONS\nexec '${process.execPath}' '${PACKAGE_ROOT}/bin/swarm-coordinator.js' "$@"\n`,
  );
  await chmod(shim, 0o755);
  const pasted = await run('sh', ['-ec', block], {
    cwd: swarm.cwd,
    env: {
      ...withoutSwarmVariables(),
      PATH: `${swarm.cwd}:${process.env['PATH']}`,
      SWARM_CONNECT: swarm.address,
    },
  });
  t.equal(pasted.stderr, '');
  const answers = pasted.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.same(answers.map(({ kind }) => kind).sort(), [...taskKinds.keys()].sort());
  t.ok(
    answers.every(({ state }) => state === 'completed'),
    pasted.stdout,
  );
});

t.test('the agent in Go', { skip: whyNoGo() }, async (t) => {
  const swarm = await startSwarm(t, QUICK);
  const program = join(swarm.cwd, 'go-agent');
  await run('go', ['build', '-o', program, '.'], {
    cwd: join(PACKAGE_ROOT, 'examples/go-agent'),
    env: GO_ENVIRONMENT,
  });
  const startAgent = (ca: string) => {
    const agent = new LoggingProcess(program, ['--connect', swarm.address, '--ca', ca], swarm.cwd);
    t.teardown(() => agent.stop());
    return agent;
  };
  const ca = join(swarm.cwd, 'certs/ca.crt');
  const agent = startAgent(ca);
  await agent.said(/registered .* resumed: false/);
  const client = await swarm.client();

  const words = (text: unknown) => client.run({ kind: 'go-words', input: { text } });
  const [few, many, wrong, primes] = await Promise.all([
    words('to be or not to be'),
    words('so many words '.repeat(100_000)), // on a stream of its own
    words(undefined),
    client.run({ kind: 'go-primes', input: { below: 100 }, priority: 9 }),
  ]);
  t.match(few, { state: 'completed', result: { words: 6, distinct: 4 }, agentId: 'go-agent' });
  t.match(many, { state: 'completed', result: { words: 300_000, distinct: 3 } });
  t.match(wrong, { state: 'failed', error: { name: 'BAD_INPUT', retryable: false } });
  t.match(primes, { state: 'completed', result: 25 });

  const endless = { kind: 'go-primes', input: { below: 1e12 } };
  const unwanted = await client.submit(endless);
  await agent.said(new RegExp(`started .*${unwanted.taskId}`));
  await client.cancel(unwanted.taskId);
  await agent.said(new RegExp(`cancelled .*${unwanted.taskId}`));
  const late = await client.run({ ...endless, timeoutMs: 100, attempts: 1 });
  t.match(late, { state: 'dead', error: { name: /TIMEOUT/ } });

  // it goes on with its work, and brings the result to a coordinator that was killed and has come back
  const long = await client.submit({ kind: 'go-primes', input: { below: 3_000_000 } }, { watch: true });
  await agent.said(new RegExp(`started .*${long.taskId}`));
  await swarm.crash();
  t.match(await long.result(), { state: 'completed', result: 216_816, attempts: 1 });
  await agent.said(/registered .* resumed: true/);

  t.equal((await agent.stop()).status, 0);
  await agent.said(/draining 0 tasks/);
  const strange = join(swarm.cwd, 'strange.crt');
  await writeFile(strange, (await testCertificates()).ca);
  const distrustful = startAgent(strange);
  t.equal((await distrustful.exited).status, 1);
  await distrustful.said(/error: .*certificate signed by unknown authority/);
});
