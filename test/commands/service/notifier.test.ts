import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { openNotifier, watchdogInterval } from '../../../src/commands/service/notifier.js';
import { silentLog, type Log } from '../../../src/observe/log.js';
import { ServiceManager, socketPath } from '../../support/service-manager.js';

function warnings(): { readonly log: Log; readonly said: object[] } {
  const said: object[] = [];
  return { said, log: { ...silentLog, warn: (fields, message) => void said.push({ ...fields, message }) } };
}

t.test('READY, RELOADING and STOPPING as systemd reads them', async (t) => {
  const manager = new ServiceManager(t);
  const notifier = await openNotifier(silentLog, { NOTIFY_SOCKET: manager.path });
  notifier.ready('up\nand away');
  t.same(await manager.next(), ['READY=1', 'STATUS=up and away']);
  const before = process.hrtime.bigint() / 1000n;
  notifier.reloading();
  const [reloading, at = '', ...rest] = await manager.next();
  t.same([reloading, ...rest], ['RELOADING=1', 'STATUS=reloading']);
  const micros = BigInt(/^MONOTONIC_USEC=(\d+)$/.exec(at)?.[1] ?? '');
  t.ok(micros >= before && micros <= process.hrtime.bigint() / 1000n);
  notifier.stopping('bye');
  t.same(await manager.next(), ['STOPPING=1', 'STATUS=bye']);
  await notifier.close();
  notifier.ready('too late');
  t.same(manager.unread, []);
});

t.test('an abstract socket, and the watchdog at half of its time', async (t) => {
  const name = `swarm-test-${randomBytes(8).toString('hex')}`;
  const manager = new ServiceManager(t, `\0${name}`);
  const notifier = await openNotifier(silentLog, { NOTIFY_SOCKET: `@${name}`, WATCHDOG_USEC: '20000' });
  t.teardown(() => notifier.close());
  notifier.ready('up');
  t.same(await manager.next(), ['READY=1', 'STATUS=up']);
  const began = performance.now();
  for (let i = 0; i < 4; i++) t.same(await manager.next(), ['WATCHDOG=1']);
  t.ok(performance.now() - began >= 25, 'the first at once, then every 10 ms');
});

t.test('a process that stops is not ready again, when a reload ends late', async (t) => {
  const manager = new ServiceManager(t);
  const notifier = await openNotifier(silentLog, { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '20000' });
  t.teardown(() => notifier.close());
  notifier.ready('up');
  notifier.reloading();
  notifier.stopping('bye');
  notifier.ready('up again');
  notifier.reloading();
  await manager.until('STOPPING=1');
  t.same(await manager.next(), ['WATCHDOG=1']);
});

t.test('the watchdog is for the process that it names', async (t) => {
  t.equal(watchdogInterval({}), null);
  t.equal(watchdogInterval({ WATCHDOG_USEC: '0' }), null);
  t.equal(watchdogInterval({ WATCHDOG_USEC: 'soon' }), null);
  t.equal(watchdogInterval({ WATCHDOG_USEC: '30000000' }), 15_000);
  t.equal(watchdogInterval({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }), 15_000);
  t.equal(watchdogInterval({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }), null);
});

t.test('what cannot be told is logged once, and hurts nobody', async (t) => {
  const absent = join(t.testdir(), 'nobody');
  for (const socket of [absent, '@swarm-test-nobody', 'relative/path', `/${'x'.repeat(300)}`]) {
    const { log, said } = warnings();
    const notifier = await openNotifier(log, { NOTIFY_SOCKET: socket });
    notifier.ready('up');
    notifier.status('still up');
    notifier.stopping('bye');
    await notifier.close();
    t.match(said, [{ socket, message: 'the service manager cannot be told of this process' }]);
    t.equal(said.length, 1, socket);
  }
});

t.test('without a service manager nothing is said', async (t) => {
  const { log, said } = warnings();
  const notifier = await openNotifier(log, {});
  notifier.ready('up');
  notifier.stopping('bye');
  await notifier.close();
  t.same(said, []);
});

t.test('a manager that came late is told what is said from then on', async (t) => {
  const path = socketPath(t);
  const { log, said } = warnings();
  const notifier = await openNotifier(log, { NOTIFY_SOCKET: path });
  t.teardown(() => notifier.close());
  notifier.ready('nobody hears this');
  const manager = new ServiceManager(t, path);
  notifier.stopping('bye');
  t.same(await manager.next(), ['STOPPING=1', 'STATUS=bye']);
  t.equal(said.length, 1);
});
