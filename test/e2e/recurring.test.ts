import t from 'tap';
import type { RecurringSummary } from '../../src/protocol/messages.js';
import { errorLine, startSwarm } from '../support/cli.js';

const ECHO = '{"function": "echo", "input": "tick"}';

t.test('a recurring task is added, runs, is listed and removed; bad ones are refused', async (t) => {
  const swarm = await startSwarm(t);
  await swarm.agent('agent-1');
  const add = (name: string, ...args: readonly string[]) =>
    swarm.run(['recurring', 'add', name, 'compute', '--input', '-', ...args], ECHO);
  const added = await add('tick', '--cron', '* * * * * *', '--time-zone', 'Europe/Berlin');
  t.strictSame([added.status, added.stdout], [0, 'tick added\n']);
  const [cron, zone, again, unknown] = await Promise.all([
    add('bad', '--cron', '61 * * * *'),
    add('bad', '--cron', '* * * * *', '--time-zone', 'Mars/Olympus'),
    add('tick', '--cron', '* * * * *'),
    swarm.run(['recurring', 'remove', 'tock']),
  ]);
  t.strictSame([cron.status, zone.status, again.status, unknown.status], [2, 2, 2, 2]);
  t.match(errorLine(cron), /^error: --cron: '61 \* \* \* \*' is not a cron expression/);
  t.match(errorLine(zone), /^error: --time-zone: 'Mars\/Olympus' is not a time zone/);
  t.match(errorLine(again), /SCHEDULE_EXISTS.*'tick'/);
  t.match(errorLine(unknown), /UNKNOWN_SCHEDULE.*'tock'/);
  const list = async () =>
    (JSON.parse((await swarm.run(['recurring', 'list', '--json'])).stdout) as RecurringSummary[])[0];
  let listed = await list();
  t.match(listed, { name: 'tick', cron: '* * * * * *', timeZone: 'Europe/Berlin', kind: 'compute' });
  // its first second comes
  while (listed?.lastTaskId === null) listed = await list();
  t.match(JSON.parse((await swarm.run(['task', listed?.lastTaskId ?? '', '--json'])).stdout), {
    kind: 'compute',
  });
  const removed = await swarm.run(['recurring', 'remove', 'tick', '--json']);
  t.strictSame(JSON.parse(removed.stdout), { name: 'tick', state: 'removed' });
  t.match((await swarm.run(['recurring', 'list'])).stdout, /^no recurring tasks$/m);
});
