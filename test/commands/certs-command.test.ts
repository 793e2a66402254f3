import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { plainNode } from '../../scripts/lib/plain-node.js';

const modules = (name: string) =>
  JSON.stringify(new URL(`../../src/commands/${name}.js`, import.meta.url).href);
const script = `
  const { registerCertsCommand } = await import(${modules('certs-command')});
  const { createProgram } = await import(${modules('program')});
  const { runCommand } = await import(${modules('exit')});
  const program = createProgram({ name: 'swarm-coordinator', description: '', version: '1' });
  registerCertsCommand(program);
  process.exitCode = await runCommand(() => program.parseAsync(process.argv.slice(1), { from: 'user' }));`;

interface Result {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `certs …` as a process of its own in `cwd`. */
function certs(cwd: string, ...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(
      ...plainNode(['--input-type=module', '-e', script, '--', 'certs', ...args]),
      { cwd },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

t.test('init, agent, show', async (t) => {
  const dir = t.testdir();
  const init = await certs(dir, 'init', '--json', '--san', 'swarm.example');
  t.match(init, { status: 0, stderr: '' });
  const made: unknown = JSON.parse(init.stdout);
  t.match(made, {
    directory: './certs',
    made: ['ca.key', 'server.key', 'server.crt', 'ca.crt'],
    certificates: [
      { file: 'ca.crt', authority: true },
      { file: 'server.crt', authority: false, san: /DNS:swarm\.example/, fingerprint: /^[0-9a-f]{64}$/ },
    ],
  });

  const [again, agent] = await Promise.all([certs(dir, 'init'), certs(dir, 'agent', 'agent-1')]);
  t.match(again, { status: 0, stderr: '', stdout: /^\.\/certs: all there, nothing made/ });
  t.match(agent, { status: 0, stderr: '', stdout: /^made certs\/agent-1\.key\nmade certs\/agent-1\.crt\n/ });
  t.same(readdirSync(join(dir, 'certs')).length, 6);

  const show = await certs(dir, 'show', '--json');
  t.match(JSON.parse(show.stdout), {
    certificates: [{ file: 'agent-1.crt', subject: 'CN=agent-1' }, {}, {}],
  });
});

t.test('wrong usage is one line, status 2 and no output', async (t) => {
  const dir = t.testdir();
  const cases: [string[], RegExp][] = [
    [['show'], /^error: --certs: \.\/certs: no such file or directory\n$/],
    [['agent', '../x'], /^error: ID: '\.\.\/x' is not the id of an agent .*\n$/],
    [['agent', 'a-{n}'], /^error: ID: 'a-\{n\}' stands for many: name one agent\n$/],
    [['agent', 'a'], /^error: certs\/ca\.crt: is missing: .*\n$/],
    [['init', '--san', 'a b'], /^error: --san: 'a b' is not a DNS name or an IP address\n$/],
    [['init', 'more'], /^error: too many arguments .*\n$/],
  ];
  const results = await Promise.all(cases.map(([args]) => certs(dir, ...args)));
  for (const [index, [args, line]] of cases.entries()) {
    t.match(results[index], { status: 2, stdout: '', stderr: line }, args.join(' '));
  }
  t.same(readdirSync(dir), []);
});
