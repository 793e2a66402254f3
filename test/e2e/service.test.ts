import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Daemon, startCoordinator } from '../../scripts/lib/daemons.js';
import { runCli } from '../support/cli.js';
import { ServiceManager } from '../support/service-manager.js';

const WATCHDOG = { WATCHDOG_USEC: '100000' };

t.test('both daemons tell systemd when they are ready, alive, reloading and stopping', async (t) => {
  const cwd = t.testdir({ token: 'open sesame' });
  const ofCoordinator = new ServiceManager(t);
  const ofAgent = new ServiceManager(t);
  const { daemon: coordinator, address } = await startCoordinator(cwd, ['--join-token-file', 'token'], {
    env: { NOTIFY_SOCKET: ofCoordinator.path, ...WATCHDOG },
  });
  t.teardown(() => coordinator.stop());
  t.match(await ofCoordinator.next(), ['READY=1', `STATUS=accepting agents and clients at ${address}`]);
  for (let i = 0; i < 3; i++) t.same(await ofCoordinator.next(), ['WATCHDOG=1']);

  const agent = new Daemon(
    'swarm-agent',
    ['--id', 'a', '--connect', address, '--join-token-file', 'token'],
    cwd,
    { env: { NOTIFY_SOCKET: ofAgent.path, ...WATCHDOG } },
  );
  t.teardown(() => agent.stop());
  t.match(await ofAgent.next(), ['READY=1', 'STATUS=0 of 1 registered']);
  await agent.line('registered');
  t.same(await ofAgent.until('STATUS=1 of 1 registered'), ['STATUS=1 of 1 registered']);

  const status = (...args: readonly string[]) =>
    runCli('swarm-coordinator', ['status', '--json', '--connect', address, ...args], { cwd });
  const before = (await coordinator.line('ready'))['fingerprint'];

  // New files: new connections see them, the agent stays.
  t.equal((await runCli('swarm-coordinator', ['certs', 'init', '--force'], { cwd })).status, 0);
  await writeFile(join(cwd, 'token'), 'open barley');
  coordinator.kill('SIGHUP');
  t.match(await ofCoordinator.until('RELOADING=1'), [
    'RELOADING=1',
    /^MONOTONIC_USEC=\d+$/,
    'STATUS=reloading',
  ]);
  t.match(await ofCoordinator.until('READY=1'), ['READY=1', /^STATUS=accepting/]);
  const { fingerprint } = await coordinator.line('reloaded');
  t.not(fingerprint, before);
  const pinned = ['--fingerprint', String(fingerprint), '--join-token-file', 'token'];
  t.match(await status(...pinned), { status: 0 });
  t.equal((await status('--fingerprint', String(before), '--join-token-file', 'token')).status, 4);
  await writeFile(join(cwd, 'old-token'), 'open sesame');
  t.equal((await status('--join-token-file', 'old-token')).status, 4);
  t.notOk(agent.lines.some(({ msg }) => msg === 'connection to the coordinator lost'));

  // The agent reads the new token too, and comes back with it on its own account.
  agent.kill('SIGHUP');
  await agent.line('reloaded');
  t.match(await ofAgent.until('READY=1'), ['READY=1', 'STATUS=1 of 1 registered']);

  // Bad files: one line, and what was in force stays.
  const certificate = join(cwd, 'certs', 'server.crt');
  await copyFile(certificate, join(cwd, 'good.crt'));
  await writeFile(certificate, (await readFile(certificate, 'utf8')).slice(0, 200));
  await writeFile(join(cwd, 'token'), 'open rye');
  coordinator.kill('SIGHUP');
  await ofCoordinator.until('RELOADING=1');
  await ofCoordinator.until('READY=1');
  const failures = coordinator.lines.filter(({ msg }) => String(msg).startsWith('nothing was reloaded'));
  t.equal(failures.length, 1);
  t.match(failures[0]?.['reason'], /server\.crt/);
  await writeFile(join(cwd, 'token'), 'open barley');
  t.match(await status(...pinned), { status: 0 });
  await rename(join(cwd, 'good.crt'), certificate);

  agent.kill('SIGTERM');
  t.same(await ofAgent.until('STOPPING=1'), ['STOPPING=1', 'STATUS=waiting for running tasks']);
  t.same(await agent.exited, { status: 0, signal: null });
  coordinator.kill('SIGTERM');
  await ofCoordinator.until('STOPPING=1');
  t.same(await coordinator.exited, { status: 0, signal: null });
});

t.test('a start that fails ends, whoever listens', async (t) => {
  const cwd = t.testdir();
  const manager = new ServiceManager(t);
  const failed = await runCli('swarm-coordinator', ['--listen', '192.0.2.1:5000'], {
    cwd,
    env: { NOTIFY_SOCKET: manager.path, ...WATCHDOG },
  });
  t.equal(failed.status, 2);
  t.match(failed.stderr, 'is no address of this machine');
  t.same(manager.unread, []);
});
