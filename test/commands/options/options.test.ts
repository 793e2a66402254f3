import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { UsageError } from '../../../src/commands/exit.js';
import { duration } from '../../../src/commands/options/duration.js';
import { hostPort } from '../../../src/commands/options/host-port.js';
import { integer } from '../../../src/commands/options/integer.js';
import { addOptions, readOptions } from '../../../src/commands/options/options.js';
import { decidedFlag, flag, list, optional, value, valueOrOff } from '../../../src/commands/options/spec.js';
import { path, text } from '../../../src/commands/options/text.js';
import { createProgram } from '../../../src/commands/program.js';

const table = {
  listen: value({
    placeholder: 'HOST:PORT',
    parse: hostPort({ minPort: 0 }),
    default: '127.0.0.1:5000',
    help: '',
  }),
  http: valueOrOff({
    placeholder: 'HOST:PORT',
    parse: hostPort({ minPort: 0 }),
    default: '127.0.0.1:9464',
    help: '',
  }),
  taskTimeout: value({ placeholder: 'DURATION', parse: duration(), default: '300s', help: '' }),
  maxAgents: value({ placeholder: 'N', parse: integer(1, 10), numeric: true, default: '5', help: '' }),
  dataDir: optional({ placeholder: 'DIR', parse: path, help: '' }),
  san: list({ placeholder: 'NAME', parse: text(20), help: '' }),
  insecure: flag({ help: '' }),
  clientCert: decidedFlag({ help: '', defaultText: 'depends' }),
};

/** Parses a command line of a program with two commands, `run` with `table` and `other`, and reads `table`. */
async function read(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const program = createProgram({ name: 'program', description: '', version: '1' });
  const command = addOptions(program.command('run'), table).action(() => undefined);
  addOptions(program.command('other'), { onlyOther: optional({ placeholder: 'X', parse: path, help: '' }) });
  await program.parseAsync(['run', ...args], { from: 'user' });
  return readOptions(command, table, env);
}

const refused = (message: string) => new UsageError(message);

t.test('defaults', async (t) => {
  t.same(await read([]), {
    listen: { host: '127.0.0.1', port: 5000 },
    http: { host: '127.0.0.1', port: 9464 },
    taskTimeout: 300_000,
    maxAgents: 5,
    dataDir: null,
    san: [],
    insecure: false,
    clientCert: null,
  });
});

t.test('flag before variable before file before default', async (t) => {
  const config = join(t.testdir({ 'c.yaml': 'max-agents: 2\n' }), 'c.yaml');
  const env = { SWARM_CONFIG: config, SWARM_MAX_AGENTS: '3' };
  t.equal((await read(['--max-agents', '4'], env)).maxAgents, 4);
  t.equal((await read([], env)).maxAgents, 3);
  t.equal((await read([], { ...env, SWARM_MAX_AGENTS: '' })).maxAgents, 2, 'an empty variable is not set');
  t.equal((await read([])).maxAgents, 5);
});

t.test('a bad value of a higher source is an error, not passed over', async (t) => {
  await t.rejects(
    read([], { SWARM_MAX_AGENTS: '11' }),
    refused("SWARM_MAX_AGENTS: '11' is not an integer from 1 to 10"),
  );
});

t.test('errors name the source', async (t) => {
  const dir = t.testdir({ 'swarm.yaml': 'listen: 127.0.0.1:99999\n' });
  const problem = "'127.0.0.1:99999' is not HOST:PORT (port 0 to 65535)";
  await t.rejects(read(['--listen', '127.0.0.1:99999']), refused(`--listen: ${problem}`));
  await t.rejects(read([], { SWARM_LISTEN: '127.0.0.1:99999' }), refused(`SWARM_LISTEN: ${problem}`));
  await t.rejects(
    read(['--config', join(dir, 'swarm.yaml')]),
    refused(`${join(dir, 'swarm.yaml')}: listen: ${problem}`),
  );
});

t.test('a value with line breaks or escapes stays on one line', async (t) => {
  await t.rejects(
    read(['--listen', 'a\n\u001b[31m']),
    refused("--listen: 'a??[31m' is not HOST:PORT (port 0 to 65535)"),
  );
  await t.rejects(read(['--listen', 'x'.repeat(5000)]), { message: /^--listen: 'x{80}…' is not HOST:PORT/ });
});

t.test('switches', async (t) => {
  t.equal((await read(['--insecure'])).insecure, true);
  for (const on of ['true', '1', 'yes', 'ON'])
    t.equal((await read([], { SWARM_INSECURE: on })).insecure, true, on);
  for (const off of ['false', '0', 'no', 'off'])
    t.equal((await read([], { SWARM_INSECURE: off })).insecure, false, off);
  await t.rejects(
    read([], { SWARM_INSECURE: 'maybe' }),
    refused("SWARM_INSECURE: 'maybe' is not true or false"),
  );
});

t.test('what --no-NAME turns off', async (t) => {
  t.equal((await read(['--no-http'])).http, null);
  t.equal((await read([], { SWARM_HTTP: 'off' })).http, null);
  t.equal((await read([], { SWARM_NO_HTTP: '1' })).http, null);
  t.same((await read([], { SWARM_NO_HTTP: '0' })).http, { host: '127.0.0.1', port: 9464 });
  t.same((await read(['--http', 'a:1'], { SWARM_NO_HTTP: '1' })).http, { host: 'a', port: 1 });
  await t.rejects(
    read([], { SWARM_NO_HTTP: '1', SWARM_HTTP: 'a:1' }),
    refused('SWARM_HTTP: contradicts SWARM_NO_HTTP; set one of them'),
  );
  t.equal((await read(['--client-cert'])).clientCert, true);
  t.equal((await read(['--no-client-cert'])).clientCert, false);
  t.equal((await read([], { SWARM_CLIENT_CERT: 'no' })).clientCert, false);
});

t.test('lists: repeated, with commas, from each source', async (t) => {
  const config = join(t.testdir({ 'c.yaml': 'san: [a, b]\n' }), 'c.yaml');
  t.same((await read(['--san', 'a,b', '--san', 'c'], { SWARM_SAN: 'x' })).san, ['a', 'b', 'c']);
  t.same((await read([], { SWARM_SAN: 'a, b' })).san, ['a', 'b']);
  t.same((await read(['--config', config])).san, ['a', 'b']);
  await t.rejects(read(['--san', 'a,']), refused("--san: 'a,' holds '', which is empty"));
});

t.test('configuration files', async (t) => {
  const dir = t.testdir();
  const from = async (name: string, content: string) => {
    writeFileSync(join(dir, name), content);
    return read(['--config', join(dir, name)]);
  };
  const says = (name: string, rest: string) => refused(`${join(dir, name)}${rest}`);

  t.test('JSON and YAML, kebab-case and camelCase', async (t) => {
    const yaml = await from(
      'a.yaml',
      '# comment\ntaskTimeout: 10s\ndata-dir: "7"\nhttp: false\ninsecure: true\n',
    );
    t.match(yaml, { taskTimeout: 10_000, dataDir: '7', http: null, insecure: true });
    const json = await from(
      'a.json',
      '{"task-timeout": "10s", "maxAgents": 7, "no-http": true, "clientCert": false}',
    );
    t.match(json, { taskTimeout: 10_000, maxAgents: 7, http: null, clientCert: false });
    t.equal((await from('empty.yaml', '# nothing\n')).maxAgents, 5);
  });

  t.test('a key that only another command of the program knows is allowed', async (t) => {
    t.equal((await from('other.yaml', 'only-other: x\nmax-agents: 2\n')).maxAgents, 2);
  });

  t.test('unknown keys and keys given twice', async (t) => {
    const unknown = (key: string) =>
      `: '${key}' is no setting (use the flags' names, such as listen or log-level)`;
    for (const key of ['lisen', 'config', 'help', 'version', 'max_agents', 'MaxAgents', '--listen']) {
      await t.rejects(from('u.json', JSON.stringify({ [key]: 'x' })), says('u.json', unknown(key)), key);
    }
    await t.rejects(from('u.json', '{"__proto__": 1}'), says('u.json', unknown('__proto__')));
    await t.rejects(
      from('d.yaml', 'maxAgents: 1\nmax-agents: 2\n'),
      says('d.yaml', ': max-agents: is given twice'),
    );
  });

  t.test('wrong types', async (t) => {
    const cases: [string, string][] = [
      ['{"listen": 5000}', `: listen: '5000' is a number: text in quotes is wanted (HOST:PORT)`],
      ['{"task-timeout": 300}', `: task-timeout: '300' is a number: text in quotes is wanted (DURATION)`],
      ['{"data-dir": true}', `: data-dir: 'true' is not a text (DIR)`],
      ['{"data-dir": null}', `: data-dir: 'null' is not a text (DIR)`],
      ['{"data-dir": {"a": 1}}', `: data-dir: '{"a":1}' is not a text (DIR)`],
      ['{"max-agents": [1]}', `: max-agents: '[1]' is not a number or a text`],
      ['{"max-agents": 1.5}', `: max-agents: '1.5' is not an integer from 1 to 10`],
      ['{"insecure": "yes"}', `: insecure: 'yes' is not true or false`],
      ['{"san": [1]}', `: san: '[1]' is not a text or a list of texts`],
      ['{"http": true}', `: http: 'true' is not a text (HOST:PORT)`],
      ['{"no-http": "x"}', `: no-http: 'x' is not true or false`],
      ['{"no-http": true, "http": "a:1"}', ': no-http: contradicts http; keep one of them'],
    ];
    for (const [content, message] of cases)
      await t.rejects(from('t.json', content), says('t.json', message), content);
  });

  t.test('malformed and unreadable files', async (t) => {
    const map = ': is not a map of settings (such as listen: 127.0.0.1:5000)';
    await t.rejects(
      from('m.json', '{"listen": NaN}'),
      says('m.json', ':1:12: is not JSON: NaN is not a number of JSON'),
    );
    await t.rejects(from('m.yaml', 'a: [1\nb: 2\n'), { message: /m\.yaml:\d+:\d+: is not YAML: / });
    await t.rejects(from('m.yaml', 'max-agents: *nowhere\n'), { message: /m\.yaml:?.*: is not YAML: / });
    await t.rejects(from('m.yaml', '- a\n'), says('m.yaml', map));
    await t.rejects(from('m.yaml', 'text\n'), says('m.yaml', map));
    writeFileSync(join(dir, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
    await t.rejects(
      read(['--config', join(dir, 'latin1.yaml')]),
      refused(`--config: ${join(dir, 'latin1.yaml')}: is not UTF-8 text`),
    );
    await t.rejects(
      read(['--config', join(dir, 'none')]),
      refused(`--config: ${join(dir, 'none')}: no such file or directory`),
    );
    await t.rejects(read(['--config', dir]), refused(`--config: ${dir}: is a directory, a file is wanted`));
  });
});
