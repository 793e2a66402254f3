import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { PACKAGE_ROOT } from '../../../scripts/lib/daemons.js';

const SYSTEMD = join(PACKAGE_ROOT, 'scripts', 'systemd');
const UNITS = ['swarm-coordinator.service', 'swarm-agent@.service'];
const skip =
  spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not installed';

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { status, stdout, said: stdout + stderr };
}

function install(...args: readonly string[]) {
  return run(join(SYSTEMD, 'install.sh'), ...args);
}

t.test('systemd finds nothing wrong with the units, and little exposed', { skip }, async (t) => {
  for (const unit of UNITS) {
    const path = join(SYSTEMD, unit);
    const verified = run('systemd-analyze', 'verify', '--recursive-errors=no', path);
    t.match(verified, { status: 0, said: '' }, unit);
    // The threshold is in tenths.
    const exposure = run('systemd-analyze', 'security', '--offline=true', '--threshold=25', path);
    t.equal(exposure.status, 0, exposure.said.trim().split('\n').at(-1) ?? unit);
  }
});

t.test('a unit that can be told nothing is no service of type notify', async (t) => {
  for (const unit of UNITS) {
    const text = await readFile(join(SYSTEMD, unit), 'utf8');
    for (const line of ['Type=notify', 'WatchdogSec=30s', 'Restart=on-failure', 'NoNewPrivileges=yes'])
      t.ok(text.includes(`\n${line}\n`), `${unit}: ${line}`);
    t.notMatch(text, /^MemoryDenyWriteExecute=(yes|true|1)/m, 'Node could not compile');
  }
});

t.test('the installer makes what is missing, and nothing twice', async (t) => {
  const prefix = t.testdir();
  const dry = install('--prefix', prefix, '--dry-run');
  t.equal(dry.status, 0, dry.said);
  t.match(dry.stdout, /write .*swarm-coordinator\.service/);
  t.same(await readdir(prefix), [], 'a dry run changes nothing');

  const first = install('--prefix', prefix);
  t.equal(first.status, 0, first.said);
  const settings = join(prefix, 'etc/quic-swarm');
  t.same((await readdir(join(settings, 'certs'))).sort(), ['ca.crt', 'ca.key', 'server.crt', 'server.key']);
  const token = join(settings, 'join-token');
  t.match(await readFile(token, 'utf8'), /^[0-9a-f]{64}$/);
  t.equal((await stat(token)).mode & 0o777, 0o600);
  const unit = join(prefix, 'etc/systemd/system/swarm-coordinator.service');
  t.match(
    await readFile(unit, 'utf8'),
    `ExecStart=${process.execPath} ${PACKAGE_ROOT}/bin/swarm-coordinator.js run\n`,
  );

  await writeFile(join(settings, 'coordinator.env'), 'SWARM_LISTEN=0.0.0.0:5000\n');
  const before = await readFile(token, 'utf8');
  const second = install('--prefix', prefix);
  t.equal(second.stdout, 'done\n', 'nothing to do');
  t.equal(await readFile(token, 'utf8'), before);
  t.equal(await readFile(join(settings, 'coordinator.env'), 'utf8'), 'SWARM_LISTEN=0.0.0.0:5000\n');

  await writeFile(unit, 'an older unit\n');
  t.match(install('--prefix', prefix).stdout, /^write .*swarm-coordinator\.service\ndone\n$/);
  t.match(await readFile(unit, 'utf8'), 'Type=notify');
});

t.test('installed units verify with the programs they name', { skip }, async (t) => {
  const prefix = t.testdir();
  await mkdir(join(prefix, 'etc/quic-swarm/certs'), { recursive: true });
  await writeFile(join(prefix, 'etc/quic-swarm/certs/ca.crt'), '');
  t.equal(install('--prefix', prefix).status, 0);
  for (const unit of UNITS)
    t.match(run('systemd-analyze', 'verify', join(prefix, 'etc/systemd/system', unit)), {
      status: 0,
      said: '',
    });
});

t.test('the installer refuses what it does not know', async (t) => {
  const refused = install('--prefx', '/nowhere');
  t.equal(refused.status, 2);
  t.equal(refused.said, "error: '--prefx' is no option (--help lists them)\n");
});
