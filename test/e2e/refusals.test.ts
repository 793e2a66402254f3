import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { errorLine, runCli, startSwarm } from '../support/cli.js';

const ECHO = '{"function": "echo", "input": 1}';

t.test('wrong or missing join token: one line on both sides, status 4', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'swarm-tokens-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'token'), 'open sesame\n');
  await writeFile(join(directory, 'wrong'), 'open barley\n');
  const swarm = await startSwarm(t, ['--join-token-file', join(directory, 'token')]);
  const good = await swarm.agent('agent-1', ['--join-token-file', join(directory, 'token')]);
  t.ok(good.pid);
  for (const args of [[], ['--join-token-file', join(directory, 'wrong')]]) {
    const client = await swarm.run(['status', ...args]);
    t.equal(client.status, 4);
    t.match(errorLine(client), /^error: .*join token/);
    const agent = await runCli('swarm-agent', ['--id', 'agent-2', '--connect', swarm.address, ...args], {
      cwd: swarm.cwd,
    });
    t.equal(agent.status, 4);
    t.match(agent.stderr, /error: .*join token/);
  }
  await swarm.coordinator.line('connection refused', (line) => line['error'] === 'JOIN_TOKEN_WRONG');
  const ok = await swarm.run(['status', '--join-token-file', join(directory, 'token')]);
  t.equal(ok.status, 0);
});

t.test('at one coordinator with certificates of its own', async (t) => {
  const swarm = await startSwarm(t);

  await t.test('an untrusted certificate: one line on both sides, status 4', async (t) => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'swarm-elsewhere-'));
    t.teardown(() => rm(elsewhere, { recursive: true }));
    await runCli('swarm-coordinator', ['certs', 'init'], { cwd: elsewhere });
    const ca = join(elsewhere, 'certs', 'ca.crt');
    const client = await swarm.run(['status', '--ca', ca]);
    t.equal(client.status, 4);
    t.match(errorLine(client), /^error: .*not trusted/);
    const agent = await runCli('swarm-agent', ['--id', 'a', '--connect', swarm.address, '--ca', ca], {
      cwd: swarm.cwd,
    });
    t.equal(agent.status, 4);
    await swarm.coordinator.line('handshake failed', (line) => /does not trust/.test(String(line['reason'])));
    const insecure = await swarm.run(['status', '--insecure']);
    t.equal(insecure.status, 0);
    t.match(insecure.stderr, /^warning: --insecure/);
  });

  await t.test('a pinned fingerprint is trusted without an authority, a wrong one is not', async (t) => {
    const ready = await swarm.coordinator.line('ready');
    const bare = await mkdtemp(join(tmpdir(), 'swarm-bare-'));
    t.teardown(() => rm(bare, { recursive: true }));
    const run = (fingerprint: string) =>
      runCli('swarm-coordinator', ['status', '--connect', swarm.address, '--fingerprint', fingerprint], {
        cwd: bare,
      });
    t.equal((await run(String(ready['fingerprint']))).status, 0);
    const wrong = await run('ab'.repeat(32));
    t.equal(wrong.status, 4);
    t.match(errorLine(wrong), /^error: .*fingerprint/);
  });

  await t.test(
    'an address in use, an unreadable key or token, a key of another certificate: status 2',
    async (t) => {
      const start = (args: readonly string[]) =>
        runCli(
          'swarm-coordinator',
          ['--no-http', '--log-level', 'silent', '--data-dir', 'elsewhere', ...args],
          {
            cwd: swarm.cwd,
          },
        );
      const taken = await start(['--listen', swarm.address]);
      t.equal(taken.status, 2);
      t.match(errorLine(taken), /^error: --listen: .* is in use by another program/);
      const missing = await start([
        '--listen',
        '127.0.0.1:0',
        '--cert',
        'certs/server.crt',
        '--key',
        'certs/none.key',
      ]);
      t.equal(missing.status, 2);
      t.match(errorLine(missing), /^error: --key: certs\/none\.key: no such file/);
      const other = await start([
        '--listen',
        '127.0.0.1:0',
        '--cert',
        'certs/server.crt',
        '--key',
        'certs/ca.key',
      ]);
      t.equal(other.status, 2);
      t.match(errorLine(other), /^error: certs\/ca\.key: does not match the certificate/);
      await writeFile(join(swarm.cwd, 'certs', 'noise.key'), 'noise');
      const noise = await start([
        '--listen',
        '127.0.0.1:0',
        '--cert',
        'certs/server.crt',
        '--key',
        'certs/noise.key',
      ]);
      t.equal(noise.status, 2);
      t.match(errorLine(noise), /^error: --key: certs\/noise\.key/);
      const noToken = await start([
        ...['--listen', '127.0.0.1:0', '--certs', 'no-certs', '--token-file', 'operator=none'],
      ]);
      t.equal(noToken.status, 2);
      t.match(errorLine(noToken), /^error: --token-file: none: no such file/);
      t.notOk(existsSync(join(swarm.cwd, 'no-certs')), 'nothing was made');
    },
  );

  await t.test(
    'a task of an unknown kind, or an input only the coordinator can judge, is not accepted',
    async (t) => {
      const unknown = await swarm.run(['submit', 'no-such-kind', '--input', '-'], '1');
      t.equal(unknown.status, 2);
      t.match(errorLine(unknown), /^error: .*UNKNOWN_KIND.*no-such-kind/);
      t.match(JSON.parse((await swarm.run(['status', '--json'])).stdout), { tasks: { queued: 0 } });
    },
  );

  await t.test('made certificates: keys are private, and made once', async (t) => {
    for (const name of ['ca.key', 'server.key']) {
      t.equal((await stat(join(swarm.cwd, 'certs', name))).mode & 0o777, 0o600, name);
    }
    const before = await readFile(join(swarm.cwd, 'certs', 'ca.crt'));
    const again = await runCli('swarm-coordinator', ['certs', 'init'], { cwd: swarm.cwd });
    t.equal(again.status, 0);
    t.same(await readFile(join(swarm.cwd, 'certs', 'ca.crt')), before);
  });

  await t.test('nobody there any more: status 3', async (t) => {
    await swarm.coordinator.stop();
    const client = await swarm.run(['status']);
    t.equal(client.status, 3);
    t.match(errorLine(client), /^error: 127\.0\.0\.1:\d+: .*coordinator/);
  });
});

t.test('mutual TLS: a certificate of the authority opens the door, none does not', async (t) => {
  const swarm = await startSwarm(t, ['--require-client-cert']);
  await runCli('swarm-coordinator', ['certs', 'agent', 'operator'], { cwd: swarm.cwd });
  const identity = ['--cert', 'certs/operator.crt', '--key', 'certs/operator.key'];
  t.equal((await swarm.run(['status', ...identity])).status, 0);
  const none = await swarm.run(['status']);
  t.equal(none.status, 4);
  t.match(errorLine(none), /^error: .*client certificate/);
  await swarm.coordinator.line('handshake failed', (line) =>
    /no client certificate/.test(String(line['reason'])),
  );
});

t.test('a full queue refuses by name', async (t) => {
  const swarm = await startSwarm(t, ['--max-queue', '2']);
  for (let i = 0; i < 2; i++)
    t.equal((await swarm.run(['submit', 'compute', '--input', '-'], ECHO)).status, 0);
  const full = await swarm.run(['submit', 'compute', '--input', '-'], ECHO);
  t.equal(full.status, 4);
  t.match(errorLine(full), /^error: .*QUEUE_FULL/);
});

t.test(
  'the directory of certificates cannot be written',
  { skip: process.getuid?.() === 0 ? 'root may write anywhere' : false },
  async (t) => {
    const cwd = t.testdir();
    await mkdir(join(cwd, 'locked'));
    await chmod(join(cwd, 'locked'), 0o500);
    const result = await runCli('swarm-coordinator', ['certs', 'init', '--certs', 'locked/certs'], { cwd });
    t.equal(result.status, 2);
    t.match(errorLine(result), /permission denied/);
  },
);
