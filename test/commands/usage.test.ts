import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { PACKAGE_ROOT } from '../../scripts/lib/daemons.js';
import { agentMain } from '../../src/commands/agent-program.js';
import { coordinatorMain } from '../../src/commands/coordinator-program.js';

/** Runs a program in this process, in `directory`; what it wrote to standard error. */
async function run(
  main: (argv: readonly string[]) => Promise<number>,
  args: readonly string[],
  directory: string,
): Promise<{ status: number; stderr: string }> {
  const before = process.cwd();
  const write = process.stderr.write.bind(process.stderr);
  let stderr = '';
  process.stderr.write = (text: string | Uint8Array) => {
    stderr += text.toString();
    return true;
  };
  process.chdir(directory);
  try {
    return { status: await main(['node', 'program', ...args]), stderr };
  } finally {
    process.chdir(before);
    process.stderr.write = write;
  }
}

t.test('wrong usage: one line that names what, where and what to do; status 2', async (t) => {
  const directory = t.testdir({
    'broken.json': '{"function": "echo",\n "input": }',
    'nan.json': '{"current": [1, NaN], "historical": [[1, 2]]}',
    'empty.json': '{"current": [], "historical": [[1, 2]]}',
    'text.json': '{"current": [1, "two"], "historical": [[1, 2]]}',
    'config.yaml': 'listen: nowhere\n',
    'prices.csv': 'date,close\nd1,1\nd2,x\n',
  });
  const cases: readonly [readonly string[], RegExp][] = [
    [
      ['--listen', '127.0.0.1:99999'],
      /^error: --listen: '127\.0\.0\.1:99999' is not HOST:PORT \(port 0 to 65535\)$/,
    ],
    [['--config', 'config.yaml'], /^error: config\.yaml: listen: 'nowhere' is not HOST:PORT/],
    [['--config', 'none.yaml'], /^error: --config: .*none\.yaml.*no such file/],
    [['--heartbeat-interval', '10'], /^error: --heartbeat-interval: '10' /],
    [['--nonsense'], /^error: unknown option '--nonsense'/],
    [['sttus'], /^error: 'sttus' is no command/],
    [['submit'], /^error: .*no input/],
    [['submit', 'compute', '--input', 'none.json'], /^error: --input: none\.json: no such file/],
    [['submit', 'compute', '--input', 'broken.json'], /^error: --input: broken\.json:2:\d+: is not JSON/],
    [
      ['submit', 'pattern-match', '--input', 'nan.json'],
      /^error: --input: nan\.json:1:\d+: is not JSON: NaN/,
    ],
    [['submit', 'pattern-match', '--input', 'empty.json'], /^error: --input: empty\.json: current: is empty/],
    [['submit', 'pattern-match', '--input', 'text.json'], /^error: --input: text\.json: current\[1\]: /],
    [
      ['submit', 'pattern-match', '--csv', 'prices.csv', '--column', 'close', '--window', '1'],
      /^error: --csv: prices\.csv:3: close: /,
    ],
    [
      ['submit', 'pattern-match', '--csv', 'prices.csv', '--column', 'open', '--window', '1'],
      /^error: --column: prices\.csv has no column 'open'; it has 'date', 'close'/,
    ],
    [['submit', 'compute', '--input', 'nan.json', '--priority', '11'], /^error: --priority: '11' /],
    [['status', '--ca', 'none.crt'], /^error: --ca: none\.crt: no such file/],
    [['status', '--insecure', '--fingerprint', 'ab'.repeat(32)], /^error: --insecure: contradicts/],
  ];
  for (const [args, expected] of cases) {
    const { status, stderr } = await run(coordinatorMain, args, directory);
    t.equal(status, 2, args.join(' '));
    t.ok(stderr.endsWith('\n') && stderr.split('\n').length === 2, 'one line');
    t.match(stderr.trimEnd(), expected);
  }
  const nameless = await run(agentMain, [], directory);
  t.equal(nameless.status, 2);
  t.match(nameless.stderr, /^error: --id: is missing/);
  const handlers = await run(agentMain, ['--id', 'a', '--handlers', 'none.mjs', '--insecure'], directory);
  t.equal(handlers.status, 2);
  t.match(handlers.stderr, /error: --handlers: 'none\.mjs'/);
});

t.test('help for a reader that goes away ends quietly', async (t) => {
  const program = join(PACKAGE_ROOT, 'bin', 'swarm-coordinator.js');
  const { stderr } = await promisify(execFile)(
    'sh',
    ['-c', `"$0" "$1" --help | true`, process.execPath, program],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  t.equal(stderr, '');
});
