import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../../support/cli.js';

type Executable = 'swarm-coordinator' | 'swarm-agent';

const scripts = new Map<string, string>();
for (const name of ['swarm-coordinator', 'swarm-agent'] as const) {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout, stderr } = await runCli(name, ['completion', shell], { cwd: process.cwd() });
    t.equal(status, 0, stderr);
    scripts.set(`${name} ${shell}`, stdout);
  }
}

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).error === undefined;
}

/** What bash offers for the last of the words. */
function inBash(cwd: string, words: readonly [Executable, ...string[]]): string[] {
  const script = `${scripts.get(`${words[0]} bash`) ?? ''}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_${words[0].replaceAll('-', '_')}
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], {
    cwd,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

t.test('bash', { skip: has('bash') ? false : 'bash is not installed' }, (t) => {
  const cwd = t.testdir({ 'my tasks.ndjson': '', data: {} });
  const offers = (...words: [Executable, ...string[]]) => inBash(cwd, words);
  t.match(offers('swarm-coordinator', 's'), ['submit', 'status']);
  t.ok(offers('swarm-coordinator', '').includes('certs'));
  t.same(offers('swarm-coordinator', 'certs', 'a'), ['agent']);
  t.same(offers('swarm-coordinator', '--durab'), ['--durability'], 'flags of the default command');
  t.same(offers('swarm-coordinator', 'run', '--no-ht'), ['--no-http']);
  t.same(offers('swarm-coordinator', '--durability', ''), ['full', 'normal']);
  t.same(offers('swarm-coordinator', '--durability', '=', 'f'), ['full']);
  t.same(offers('swarm-coordinator', '--durability', '='), ['full', 'normal']);
  t.same(offers('swarm-coordinator', 'submit', 'comp'), ['compute']);
  t.same(offers('swarm-coordinator', 'submit', '--batch', 'my'), ['my tasks.ndjson']);
  t.same(offers('swarm-coordinator', 'run', '--data-dir', ''), ['data'], 'directories only');
  t.same(offers('swarm-coordinator', 'submit', '--timeout', ''), [], 'nothing to know');
  t.ok(offers('swarm-coordinator', 'tasks', '--state', '').includes('dead'));
  t.same(offers('swarm-coordinator', 'tasks', '--batch', 'my'), [], 'a flag of another command');
  t.same(
    offers('swarm-coordinator', 'status', '--connect', 'submit', '--wai'),
    [],
    'the value of a flag is no command',
  );
  t.same(offers('swarm-coordinator', 'completion', ''), ['bash', 'zsh', 'fish']);
  t.ok(offers('swarm-agent', '--type', '').includes('pattern'));
  t.same(offers('swarm-agent', '--handl'), ['--handlers', '--handler-memory']);
  t.end();
});

t.test('fish', { skip: has('fish') ? false : 'fish is not installed' }, (t) => {
  const home = t.testdir();
  const offers = (line: string) => {
    const script = `${scripts.get('swarm-coordinator fish') ?? ''}\ncomplete -C ${JSON.stringify(line)}`;
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], {
      encoding: 'utf8',
      env: { ...process.env, HOME: home, XDG_DATA_HOME: home },
    });
    t.equal(stderr, '', line);
    return stdout.split('\n').flatMap((row) => (row === '' ? [] : [row.split('\t')[0]]));
  };
  t.same(offers('swarm-coordinator sub'), ['submit']);
  t.same(offers('swarm-coordinator certs a'), ['agent']);
  t.same(offers('swarm-coordinator run --durability '), ['full', 'normal']);
  t.same(offers('swarm-coordinator submit --prio'), ['--priority']);
  t.end();
});

t.test('zsh', { skip: has('zsh') ? false : 'zsh is not installed' }, (t) => {
  const dir = t.testdir();
  for (const name of ['swarm-coordinator', 'swarm-agent'] as const) {
    const file = join(dir, `_${name}`);
    writeFileSync(file, scripts.get(`${name} zsh`) ?? '');
    const syntax = spawnSync('zsh', ['-n', file], { encoding: 'utf8' });
    t.same([syntax.status, syntax.stderr], [0, ''], name);
  }
  // _arguments is what zsh gives the specifications to; here it prints what it got
  const script = `compdef() { print -r -- "compdef $*"; }; _arguments() { print -rl -- "$@"; }
source ${join(dir, '_swarm-coordinator')}; _swarm_coordinator__tasks`;
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
  t.equal(stderr, '');
  t.match(stdout, 'compdef _swarm_coordinator swarm-coordinator\n');
  t.match(stdout, /^--state=\[only tasks in this state: [^\]]*\]:STATE:\(.*\bdead\b.*\)$/m);
  t.match(stdout, /^--config=\[[^\]]*\]:FILE:_files$/m);
  t.end();
});
