import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import t from 'tap';
import { agentOptions, readAgentOptions } from '../../../src/commands/options/agent-options.js';
import {
  coordinatorOptions,
  requiresClientCertificate,
} from '../../../src/commands/options/coordinator-options.js';
import { kindLimits } from '../../../src/commands/options/kind-limit.js';
import { addOptions, readOptions } from '../../../src/commands/options/options.js';
import { queryOptions } from '../../../src/commands/options/query-options.js';
import type { OptionTable } from '../../../src/commands/options/spec.js';
import { readSubmitOptions, submitOptions } from '../../../src/commands/options/submit-options.js';
import { createProgram } from '../../../src/commands/program.js';

async function parse(table: OptionTable, args: readonly string[]): Promise<Command> {
  const program = createProgram({ name: 'program', description: '', version: '1' });
  const command = addOptions(program.command('run'), table).action(() => undefined);
  await program.parseAsync(['run', ...args], { from: 'user' });
  return command;
}

const agent = async (...args: string[]) => readAgentOptions(await parse(agentOptions, args), {});
const submit = async (...args: string[]) => readSubmitOptions(await parse(submitOptions, args), {});
const coordinator = async (...args: string[]) =>
  readOptions(await parse(coordinatorOptions, args), coordinatorOptions, {});

t.test('defaults of the coordinator', async (t) => {
  t.same(await coordinator(), {
    listen: { host: '127.0.0.1', port: 5000 },
    dataDir: './swarm-data',
    durability: 'full',
    patternStore: 'built-in',
    retainAge: 7 * 24 * 3_600_000,
    retainTasks: 1_000_000,
    retainBytes: 4 * 1024 ** 3,
    idempotencyWindow: 24 * 3_600_000,
    http: { host: '127.0.0.1', port: 9464, chosen: false },
    httpHost: [],
    httpTokenFile: null,
    certs: './certs',
    cert: null,
    key: null,
    ca: null,
    san: [],
    requireClientCert: null,
    joinTokenFile: null,
    tokenFile: [],
    clientRate: null,
    handshakeRate: 2000,
    auditLog: null,
    heartbeatInterval: 10_000,
    idleTimeout: 300_000,
    keepAlive: 10_000,
    taskTimeout: 300_000,
    sessionGrace: 60_000,
    drainTimeout: 30_000,
    maxStreams: 1000,
    maxMessageSize: 64 * 1024 * 1024,
    maxAgents: 10_000,
    routing: 'least-loaded',
    routingSeed: 1,
    maxQueue: 1_000_000,
    admitRate: 500,
    kindLimit: [],
    udpPayload: 'auto',
    busyPoll: availableParallelism() > 1 ? 'on' : 'off',
    congestion: 'cubic',
    logLevel: 'info',
    logFormat: null,
  });
});

t.test(
  'client certificates: off on loopback, on elsewhere unless there is a token, and as asked',
  async (t) => {
    const required = async (...args: string[]) => requiresClientCertificate(await coordinator(...args));
    t.equal(await required(), false);
    t.equal(await required('--listen', '[::1]:1'), false);
    t.equal(await required('--listen', '0.0.0.0:1'), true);
    t.equal(await required('--listen', '0.0.0.0:1', '--join-token-file', 'x'), false);
    t.equal(await required('--listen', '0.0.0.0:1', '--no-require-client-cert'), false);
    t.equal(await required('--require-client-cert'), true);
  },
);

t.test('defaults of the agent', async (t) => {
  t.same(await agent('--id', 'agent-1'), {
    id: 'agent-1',
    ids: ['agent-1'],
    count: 1,
    type: 'worker',
    connect: [{ host: '127.0.0.1', port: 5000 }],
    ca: null,
    fingerprint: null,
    cert: null,
    key: null,
    joinTokenFile: null,
    insecure: false,
    concurrency: availableParallelism(),
    handlers: null,
    handlerMemory: 2 ** 30,
    stateDir: './swarm-data/agents',
    reconnectMin: 100,
    reconnectMax: 30_000,
    http: null,
    httpHost: [],
    drainTimeout: 30_000,
    udpPayload: 'auto',
    busyPoll: availableParallelism() > 1 ? 'on' : 'off',
    logLevel: 'info',
    logFormat: null,
  });
});

t.test('flags of the agent that depend on each other', async (t) => {
  await t.rejects(agent(), { message: '--id: is missing: give --id ID or set SWARM_ID' });
  t.same((await agent('--id', 'load-{n}', '--count', '3')).ids, ['load-1', 'load-2', 'load-3']);
  await t.rejects(agent('--id', 'load', '--count', '2'), {
    message: "--id: 'load' needs {n} with --count 2, such as load-{n}",
  });
  await t.rejects(agent('--id', 'a', '--reconnect-min', '1m', '--reconnect-max', '30s'), {
    message: '--reconnect-min: 1m is longer than --reconnect-max 30s',
  });
});

t.test('submit takes exactly one input', async (t) => {
  t.same((await submit('--input', '-')).source, { from: 'input', path: '-' });
  t.same((await submit('--batch', 'b')).source, { from: 'batch', path: 'b' });
  t.same((await submit('--csv', 'c', '--column', 'close', '--window', '20')).source, {
    from: 'csv',
    path: 'c',
    column: 'close',
    window: 20,
  });
  const cases: [string[], string][] = [
    [[], 'submit: no input: give --input FILE, --batch FILE or --csv FILE'],
    [['--input', 'a', '--batch', 'b'], '--batch: does not go with --input: give one of them'],
    [['--csv', 'c', '--window', '2'], '--csv: needs --column NAME'],
    [['--csv', 'c', '--column', 'x'], '--csv: needs --window N'],
    [['--input', 'a', '--window', '2'], '--window: goes with --csv FILE only'],
    [['--input', 'a', '--column', 'x'], '--column: goes with --csv FILE only'],
    [['--input', 'a', '--priority', '11'], "--priority: '11' is not an integer from 0 to 10"],
    [
      ['--input', 'a', '--timeout', '30'],
      "--timeout: '30' has no unit: write a duration such as 30ms or 30s",
    ],
  ];
  for (const [args, message] of cases) await t.rejects(submit(...args), { message }, args.join(' '));
});

t.test('queries take connect, trust, json and logging flags', async (t) => {
  const command = await parse(queryOptions, [
    '--connect',
    'a:1,b:2',
    '--insecure',
    '--json',
    '--log-level',
    'debug',
  ]);
  t.match(await readOptions(command, queryOptions, {}), {
    connect: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    insecure: true,
    json: true,
    logLevel: 'debug',
  });
});

t.test('the help shows defaults and variables', async (t) => {
  const help = (await parse(coordinatorOptions, [])).helpInformation().replaceAll(/\s+/g, ' ');
  t.match(
    help,
    '--max-message-size <SIZE> longest message accepted (default: 64MiB) (env: SWARM_MAX_MESSAGE_SIZE)',
  );
  t.match(help, '--no-http');
  t.match(help, '--config <FILE>');
});

t.test('bounds of kinds, by flags and together', async (t) => {
  const { kindLimit } = await coordinator(
    '--kind-limit',
    'compute=8,pattern-match=2',
    '--kind-limit',
    'compute=0.5/s',
  );
  t.same(
    kindLimits(kindLimit),
    new Map([
      ['compute', { concurrency: 8, perSecond: 0.5 }],
      ['pattern-match', { concurrency: 2, perSecond: null }],
    ]),
  );
  for (const bad of ['compute', 'compute=0', 'compute=0/s', 'compute=-1', 'Compute=1', 'compute=1/m', '=3']) {
    await t.rejects(
      coordinator('--kind-limit', bad),
      { name: 'UsageError', message: /^--kind-limit: / },
      bad,
    );
  }
});
