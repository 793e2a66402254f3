import t from 'tap';
import { runCommand } from '../../src/commands/exit.js';
import { coordinatorOptions } from '../../src/commands/options/coordinator-options.js';
import { addOptions } from '../../src/commands/options/options.js';
import { addDefaultCommand, addExample, createProgram } from '../../src/commands/program.js';

async function run(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  let ran = '';
  const program = createProgram({ name: 'swarm', description: 'd', version: '1.2.3' });
  program.configureOutput({ writeOut: (text) => out.push(text) });
  const main = addDefaultCommand(program, 'run').action(() => void (ran = 'run'));
  addExample(addOptions(main, coordinatorOptions), 'swarm --listen 127.0.0.1:5000', 'on this machine');
  program.command('status').action(() => void (ran = 'status'));
  const group = program.command('certs');
  group
    .command('init')
    .argument('<ID>')
    .action(() => void (ran = 'init'));
  const status = await runCommand(() => program.parseAsync(args, { from: 'user' }), {
    write: (line) => errors.push(line),
    debug: false,
  });
  return { status, ran, out: out.join(''), errors: errors.join('') };
}

t.test('without a command the default one runs, with its flags', async (t) => {
  t.match(await run(), { status: 0, ran: 'run', errors: '' });
  t.match(await run('--listen', 'a:1'), { status: 0, ran: 'run' });
  t.match(await run('status'), { status: 0, ran: 'status' });
});

t.test('--version and --help', async (t) => {
  t.same(await run('--version'), { status: 0, ran: '', out: '1.2.3\n', errors: '' });
  const help = await run('run', '--help');
  t.match(help, { status: 0, errors: '' });
  t.match((await run('--help')).out, /\nExit status:\n {2}0 +done\n/);
  t.match(help.out, /\nExample:\n {2}# on this machine\n {2}\$ swarm --listen 127\.0\.0\.1:5000\n$/);
});

t.test('every wrong usage is one line and status 2', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--lisen', 'a:1'], /^error: unknown option '--lisen' \(Did you mean --listen\?\)\n$/],
    [['--listen'], /^error: option '--listen <HOST:PORT>' argument missing .*\n$/],
    [['statsu'], /^error: 'statsu' is no command \(there are run, status, certs\)\n$/],
    [['status', 'more'], /^error: too many arguments for 'status'.*\n$/],
    [['certs'], /^error: a command is missing \(--help lists them\)\n$/],
    [['certs', 'nope'], /^error: unknown command 'nope'.*\n$/],
    [['certs', 'init'], /^error: missing required argument 'ID'.*\n$/],
    [['-x'], /^error: unknown option '-x'.*\n$/],
  ];
  for (const [args, line] of cases) {
    const { status, ran, out, errors } = await run(...args);
    t.same({ status, ran, out }, { status: 2, ran: '', out: '' }, args.join(' '));
    t.match(errors, line);
  }
});
