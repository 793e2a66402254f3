import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { plainNode } from '../../../scripts/lib/plain-node.js';
import { openAgentState, type AgentState } from '../../../src/agent/state/agent-state.js';
import { AgentStateError } from '../../../src/agent/state/errors.js';
import { completed, recordingLog } from './answers.js';

const MODULE = new URL('../../../src/agent/state/agent-state.js', import.meta.url);
const ANSWERS = new URL('./answers.js', import.meta.url);

/** Another process that opens the state, does what `script` says and then waits. Resolves with its first line. */
async function inAnotherProcess(t: Test, directory: string, script = ''): Promise<[ChildProcess, string]> {
  const code = `
    const { openAgentState } = await import(${JSON.stringify(pathToFileURL(fileURLToPath(MODULE)).href)});
    const { completed, recordingLog } = await import(${JSON.stringify(ANSWERS.href)});
    setInterval(() => {}, 1000);
    try {
      const state = await openAgentState({ directory: process.argv[1], agentId: 'a1', log: recordingLog() });
      ${script}
      console.log('open');
    } catch (error) { console.log(error.name + ' ' + error.message); }`;
  const child = spawn(...plainNode(['--input-type=module', '-e', code, directory]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return [child, line.trim()];
}

async function opened(t: Test, directory: string, agentId = 'a1', log = recordingLog()): Promise<AgentState> {
  const state = await openAgentState({ directory, agentId, log });
  t.teardown(() => state.close());
  return state;
}

t.test('session, tickets and results are there again; nobody else may read them', async (t) => {
  const directory = join(t.testdir(), 'state', 'agents');
  const first = await opened(t, directory);
  t.equal(first.session, null);
  await first.saveSession({ coordinatorId: 'c1', sessionToken: 'secret' });
  first.tickets.save('h:1', Uint8Array.of(1, 2, 255));
  first.tickets.save('h:2', Uint8Array.of(9));
  first.tickets.save('h:2', null);
  first.outbox.put(completed('t1'));
  await first.close();

  const folder = join(directory, 'a1');
  if (process.platform !== 'win32') {
    t.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of ['session.json', 'outbox.journal']) {
      t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    }
  }
  t.same(readdirSync(folder).sort(), ['outbox.journal', 'session.json'], 'the lock is given back');

  const second = await opened(t, directory);
  t.same(second.session, { coordinatorId: 'c1', sessionToken: 'secret' });
  t.same(second.tickets.load('h:1'), Uint8Array.of(1, 2, 255));
  t.equal(second.tickets.load('h:2'), null);
  t.same([...second.outbox.all()], [completed('t1')]);
});

t.test(
  'a folder that others could read is closed to them',
  { skip: process.platform === 'win32' },
  async (t) => {
    const directory = t.testdir({ a1: {} });
    chmodSync(join(directory, 'a1'), 0o755);
    await opened(t, directory);
    t.equal(statSync(join(directory, 'a1')).mode & 0o777, 0o700);
  },
);

t.test('agents beside each other: each has its own', async (t) => {
  const directory = t.testdir();
  const states = await Promise.all(['a1', 'A1', 'a:1', '..'].map((id) => opened(t, directory, id)));
  t.equal(new Set(states.map(({ path }) => path.toLowerCase())).size, 4);
  t.ok(states.every(({ path }) => path.startsWith(directory) && path !== directory));
});

t.test('the same id twice in one process, and in two', async (t) => {
  const directory = t.testdir();
  const state = await opened(t, directory);
  await t.rejects(openAgentState({ directory, agentId: 'a1', log: recordingLog() }), {
    name: 'AgentStateError',
    message: new RegExp(`a1: in use by this process \\(${process.pid}\\): each agent that runs needs`),
  });
  const [, refused] = await inAnotherProcess(t, directory);
  t.match(refused, new RegExp(`^AgentStateError .*a1: in use by process ${process.pid}: `));
  await state.close();
  const [child, line] = await inAnotherProcess(t, directory);
  t.equal(line, 'open');
  await t.rejects(openAgentState({ directory, agentId: 'a1', log: recordingLog() }), {
    message: new RegExp(`in use by process ${child.pid}: `),
  });
});

t.test('of many that open it at the same moment, never two have it', async (t) => {
  const directory = t.testdir();
  const tries = await Promise.all(Array.from({ length: 3 }, () => inAnotherProcess(t, directory)));
  t.ok(tries.filter(([, line]) => line === 'open').length <= 1);
  t.ok(tries.every(([, line]) => line === 'open' || line.includes('in use by process')));
});

t.test(
  'after kill -9 the lock does not hold, and every result whose write had returned is there',
  async (t) => {
    const directory = t.testdir();
    const [child, line] = await inAnotherProcess(
      t,
      directory,
      `await state.saveSession({ coordinatorId: 'c1', sessionToken: 'secret' });
     for (let n = 0; n < 1000; n++) state.outbox.put(completed('t' + n, 256));
     for (let n = 0; n < 10; n++) state.outbox.drop('t' + n);
     await state.outbox.written();`,
    );
    t.equal(line, 'open');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const state = await opened(t, directory);
    t.same(state.session, { coordinatorId: 'c1', sessionToken: 'secret' });
    t.equal(state.outbox.size, 990);
    t.same(state.outbox.get('t999'), completed('t999', 256));
  },
);

t.test('the lock of a process id that now belongs to another process does not hold', async (t) => {
  const root = t.testdir({ state: { a1: {} }, other: {} });
  const directory = join(root, 'state');
  const [child] = await inAnotherProcess(t, join(root, 'other'));
  const probe = await opened(t, directory, 'probe');
  const host = readdirSync(probe.path)
    .find((name) => name.startsWith('lock.'))
    ?.split('.')[3];
  if (process.platform === 'linux') writeFileSync(join(directory, 'a1', `lock.${child.pid}.12.${host}`), '');
  writeFileSync(join(directory, 'a1', `lock.${child.pid}.12.00000000`), '');
  await t.resolves(opened(t, directory), 'neither of an earlier process nor of another machine');
});

t.test('a damaged session is set aside with one warning, whatever it holds', async (t) => {
  const valid = { version: 1, session: { coordinatorId: 'c', sessionToken: 't' }, tickets: {} };
  const bad: readonly [string, string][] = [
    ['empty', ''],
    ['torn', JSON.stringify(valid).slice(0, 30)],
    ['binary', '\0\0\0\0'],
    ['foreign', '{"name":"x"}'],
    ['of a later version', JSON.stringify({ ...valid, version: 2 })],
    [
      'token too long',
      JSON.stringify({ ...valid, session: { coordinatorId: 'c', sessionToken: 'x'.repeat(257) } }),
    ],
    ['token no text', JSON.stringify({ ...valid, session: { coordinatorId: 'c', sessionToken: 1 } })],
    ['tickets no map', JSON.stringify({ ...valid, tickets: [1] })],
    ['too large', ' '.repeat(2_000_000) + JSON.stringify(valid)],
  ];
  for (const [name, text] of bad) {
    const directory = t.testdir({ a1: { 'session.json': text } });
    const log = recordingLog();
    const state = await openAgentState({ directory, agentId: 'a1', log });
    t.equal(state.session, null, name);
    t.equal(log.lines('warn').length, 1, name);
    t.equal(readFileSync(join(directory, 'a1', 'session.json.damaged'), 'utf8'), text, name);
    await state.saveSession({ coordinatorId: 'c', sessionToken: 'new' });
    await state.close();
    const again = await openAgentState({ directory, agentId: 'a1', log });
    t.equal(again.session?.sessionToken, 'new', name);
    await again.close();
  }
});

t.test('what cannot be used is refused with one line', async (t) => {
  const directory = t.testdir({ file: '', full: { a1: '' }, blocked: { a1: { 'session.json': {} } } });
  for (const [where, problem] of [
    ['file', /a1: .*(choose another directory)/],
    ['full', /a1: is a file: choose another directory/],
    ['blocked', /a1: is a directory: move it away/],
    ...(process.platform === 'linux' ? [['/proc/nothing', /cannot be made: choose another/] as const] : []),
  ] as const) {
    const error: unknown = await openAgentState({
      directory: resolve(directory, where),
      agentId: 'a1',
      log: recordingLog(),
    }).catch((thrown: unknown) => thrown);
    if (!(error instanceof AgentStateError)) throw new Error(where);
    t.match(error.message, problem, where);
    t.notMatch(error.message, /\n/);
  }
  t.same(readdirSync(join(directory, 'blocked', 'a1')), ['session.json'], 'no lock is left');
});

t.test(
  'a session that cannot be written: one warning, the agent goes on, and later it is written',
  async (t) => {
    const directory = t.testdir();
    const log = recordingLog();
    const state = await opened(t, directory, 'a1', log);
    const file = join(directory, 'a1', 'session.json');
    // A directory in its place: nothing can be renamed over it.
    mkdirSync(join(file, 'blocks'), { recursive: true });
    await state.saveSession({ coordinatorId: 'c', sessionToken: 't1' });
    await state.saveSession({ coordinatorId: 'c', sessionToken: 't2' });
    t.equal(log.lines('warn').length, 1);
    t.equal(state.session?.sessionToken, 't2');
  },
);

t.test('many agents: no descriptor is held for one that has nothing to do', async (t) => {
  const directory = t.testdir();
  const fds = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
  const before = fds();
  const states: AgentState[] = [];
  for (let n = 0; n < 300; n++) {
    states.push(await openAgentState({ directory, agentId: `load-${n}`, log: recordingLog() }));
  }
  t.ok(fds() <= before + 2);
  await Promise.all(states.map((state) => state.close()));
});
