import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startAgent, startCoordinator } from '../../scripts/lib/daemons.js';
import { runCli } from '../support/cli.js';

t.test('tokens grant roles, and what is denied is on record', async (t) => {
  const secrets = { join: 'secret-of-joining', ops: 'secret-of-operators', view: 'secret-of-viewers' };
  const cwd = t.testdir({ ...secrets, old: secrets.view });
  const { daemon, address } = await startCoordinator(cwd, [
    ...['--join-token-file', 'join', '--token-file', 'operator=ops,read-only=view'],
    ...['--audit-log', 'audit.ndjson', '--log-level', 'trace'],
  ]);
  t.teardown(() => daemon.stop());
  const run = (token: string, ...args: string[]) =>
    runCli('swarm-coordinator', [...args, '--connect', address, '--join-token-file', token], { cwd });
  const audited = async () =>
    (await readFile(join(cwd, 'audit.ndjson'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [view, pause, operator] = await Promise.all([
    run('view', 'status'),
    run('join', 'pause', 'compute'),
    run('ops', 'pause', 'compute'),
  ]);
  t.equal(view.status, 0, view.stderr);
  t.equal(pause.status, 4);
  t.match(pause.stderr, /^error: refused \(FORBIDDEN\): the role client may not send PauseKind\n$/);
  t.equal(operator.status, 0, operator.stderr);
  const records = await audited();
  t.match(
    records.find(({ role }) => role === 'client'),
    { audit: true, action: 'PauseKind', kind: 'compute', outcome: 'FORBIDDEN', time: /^\d{4}-/ },
  );
  t.match(
    records.find(({ role }) => role === 'operator'),
    { action: 'PauseKind', outcome: 'done' },
  );
  t.equal(records.length, 2);
  t.equal((await stat(join(cwd, 'audit.ndjson'))).mode & 0o777, 0o600);
  t.match(await daemon.line('operator action denied'), { audit: true, role: 'client' });

  await rename(join(cwd, 'audit.ndjson'), join(cwd, 'audit.1'));
  await writeFile(join(cwd, 'view'), 'changed');
  daemon.kill('SIGHUP');
  await daemon.line('reloaded');
  const [renewed, outdated] = await Promise.all([run('view', 'status'), run('old', 'status')]);
  t.equal(renewed.status, 0, 'the new token');
  t.equal(outdated.status, 4, 'the old token');
  await run('ops', 'resume', 'compute');
  t.match(await audited(), [{ action: 'ResumeKind', outcome: 'done' }], 'in a new file');

  const agent = await startAgent(cwd, address, 'agent-1', [
    ...['--join-token-file', 'join', '--log-level', 'trace'],
  ]);
  await agent.stop();
  await daemon.stop();
  const logged = JSON.stringify([...daemon.lines, ...agent.lines, ...daemon.otherLines, ...agent.otherLines]);
  const key = await readFile(join(cwd, 'certs', 'server.key'), 'utf8');
  for (const secret of [...Object.values(secrets), 'changed', key.split('\n')[1] ?? '']) {
    t.ok(secret.length > 0 && !logged.includes(secret), 'no secret in the log');
  }
  t.notMatch(logged, /"sessionToken"/);
});

t.test('a certificate grants its role', async (t) => {
  const cwd = t.testdir();
  const certs = (...args: string[]) => runCli('swarm-coordinator', ['certs', ...args], { cwd });
  await certs('init');
  const made = [await certs('client', 'alice', '--role', 'operator'), await certs('client', 'bob')];
  for (const { status, stderr } of made) t.equal(status, 0, stderr);
  t.match(made[0]?.stdout, /swarm-role-operator/);
  const { daemon, address } = await startCoordinator(cwd, ['--require-client-cert']);
  t.teardown(() => daemon.stop());
  const pause = (name: string) => {
    const own = ['--cert', `certs/${name}.crt`, '--key', `certs/${name}.key`];
    return runCli('swarm-coordinator', ['pause', 'compute', '--connect', address, ...own], { cwd });
  };
  const [alice, bob] = await Promise.all([pause('alice'), pause('bob')]);
  t.equal(alice.status, 0, alice.stderr);
  t.equal(bob.status, 4);
  t.match(bob.stderr, /FORBIDDEN.*the role client may not send PauseKind/);
  t.match(await daemon.line('operator action denied'), { certificate: /^[0-9a-f]{64}$/ });
});
