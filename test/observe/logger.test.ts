import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { plainNode } from '../../scripts/lib/plain-node.js';
import { createLogger, type LogFormat } from '../../src/observe/logger.js';
import type { LogLevel } from '../../src/protocol/messages.js';

async function make(level: LogLevel = 'info', format: LogFormat | null = 'json') {
  const lines: string[] = [];
  const logger = await createLogger({ name: 'swarm-test', level, format, write: (line) => lines.push(line) });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
  return { logger, lines, last };
}

t.test('a JSON line has its keys in a stable order', async (t) => {
  const { logger, lines, last } = await make();
  logger.info({ address: '127.0.0.1:5000' }, 'ready');
  t.equal(lines.length, 1);
  t.ok(lines[0]?.endsWith('\n'));
  t.match(lines[0], '"msg":"ready"');
  t.same(Object.keys(last()), ['level', 'time', 'pid', 'name', 'address', 'msg']);
  t.match(last(), {
    level: 'info',
    pid: process.pid,
    name: 'swarm-test',
    address: '127.0.0.1:5000',
    msg: 'ready',
  });
  t.match(last()['time'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

t.test('levels', async (t) => {
  const { logger, lines } = await make('warn');
  logger.info({}, 'no');
  logger.warn({}, 'yes');
  t.equal(lines.length, 1);
  const silent = await make('silent');
  silent.logger.fatal({}, 'no');
  t.same(silent.lines, []);
});

t.test('secrets never reach the log', async (t) => {
  const { logger, lines } = await make();
  const secrets = { sessionToken: 'SECRET', joinToken: 'SECRET', key: 'SECRET', ticketKey: 'SECRET' };
  logger.info({ ...secrets, ack: secrets, tls: { identity: secrets } }, 'x');
  logger.child({ joinToken: 'SECRET' }).info({}, 'x');
  t.notMatch(lines.join(''), 'SECRET');
  t.match(lines[0], '"sessionToken":"[redacted]"');
});

t.test('errors: what and why; the stack in debug only', async (t) => {
  const error = Object.assign(new TypeError('bad', { cause: new Error('deeper') }), { code: 'E_BAD' });
  const info = await make('info');
  info.logger.error({ err: error }, 'failed');
  t.same(info.last()['err'], {
    type: 'TypeError',
    message: 'bad',
    code: 'E_BAD',
    cause: { type: 'Error', message: 'deeper' },
  });
  const debug = await make('debug');
  debug.logger.error({ err: error }, 'failed');
  t.match(debug.last()['err'], { stack: /^TypeError: bad\n +at / });
  debug.logger.error({ err: 'only text' }, 'failed');
  t.equal(debug.last()['err'], 'only text');
});

t.test('the pretty form is for people', async (t) => {
  const { logger, lines } = await make('info', 'pretty');
  logger.warn({ address: 'a:1', joinToken: 'SECRET' }, 'hello');
  t.match(lines.join(''), /^\[\d\d:\d\d:\d\d\.\d{3}\] .*WARN.*: .*hello/);
  t.match(lines.join(''), /address.*: "a:1"/);
  t.notMatch(lines.join(''), 'SECRET');
});

t.test('goes to standard error, and loses no line when the process exits at once', async (t) => {
  const module = new URL('../../src/observe/logger.js', import.meta.url).href;
  for (const format of ['json', 'pretty', null]) {
    const script = `
      const { createLogger } = await import(${JSON.stringify(module)});
      const logger = await createLogger({ name: 'x', level: 'info', format: ${JSON.stringify(format)} });
      for (let i = 0; i < 2000; i++) logger.info({ i }, 'line-' + i + '-end');
      process.exit(7);`;
    const child = spawn(...plainNode(['--input-type=module', '-e', script]), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    t.same(await once(child, 'close'), [7, null]);
    t.equal(out, '');
    t.equal(errors.match(/line-\d+-end/g)?.length, 2000, `${format}`);
    if (format === null) t.match(errors, /^\{"level":"info"/, 'json where there is no terminal');
  }
});
