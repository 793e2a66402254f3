import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import t from 'tap';
import { plainNode } from '../../../scripts/lib/plain-node.js';
import { toJson, writeJson } from '../../../src/commands/output/json.js';
import { Output } from '../../../src/commands/output/output.js';
import { startProgress } from '../../../src/commands/output/progress.js';

t.test('JSON of what results hold', async (t) => {
  const cases: [unknown, string][] = [
    [{ a: new Float64Array([1.5, NaN, -Infinity]) }, '{"a":[1.5,null,null]}'],
    [Buffer.from([1, 2]), '[1,2]'],
    [new BigInt64Array([1n, 2n ** 60n]), '[1,"1152921504606846976"]'],
    [{ n: 5n }, '{"n":5}'],
    [new Map([['a', new Uint8Array([3])]]), '{"a":[3]}'],
    [new Set([1, 'x']), '[1,"x"]'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [undefined, 'null'],
    [[undefined, NaN], '[null,null]'],
    ['a\nb', '"a\\nb"'],
  ];
  for (const [value, json] of cases) t.equal(toJson(value), json);
});

t.test('waits for a slow reader', async (t) => {
  const slow = new PassThrough({ highWaterMark: 4 });
  const output = new Output(slow);
  let written = false;
  const writing = writeJson(output, 'a long text').then(() => void (written = true));
  await new Promise(setImmediate);
  t.equal(written, false);
  t.equal(String(slow.read()), '"a long text"\n');
  await writing;
  t.equal(written, true);
});

t.test('a reader that went away is no error, a full disk is', async (t) => {
  const failing = (code: string) =>
    new Writable({
      autoDestroy: false,
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
    });
  const gone = new Output(failing('EPIPE'));
  await gone.write('x');
  t.equal(gone.gone.aborted, true);
  await gone.write('y');

  const full = new Output(failing('ENOSPC'));
  await t.rejects(full.write('x'), {
    name: 'UsageError',
    message: 'standard output: no space left on the device',
  });
  await t.rejects(full.write('y'), { message: 'standard output: no space left on the device' });
});

t.test('a process whose reader closes the pipe ends quietly', async (t) => {
  const module = new URL('../../../src/commands/output/output.js', import.meta.url).href;
  const script = `
    const { Output } = await import(${JSON.stringify(module)});
    const output = new Output();
    while (!output.gone.aborted) await output.write('line\\n'.repeat(1000));
    process.stderr.write('stopped');`;
  const child = spawn(...plainNode(['--input-type=module', '-e', script]), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  t.same(await once(child, 'close'), [0, null]);
  t.equal(errors, 'stopped');
});

t.test('the progress bar is for terminals only', async (t) => {
  const pipe = new PassThrough();
  const none = await startProgress({ label: 'tasks', total: 2, stream: pipe });
  none.advance();
  none.stop();
  t.equal(pipe.read(), null);

  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const bar = await startProgress({ label: 'tasks', total: 2, stream: terminal });
  bar.advance(2);
  bar.stop();
  bar.stop();
  t.match(String(terminal.read()), /100% {2}2\/2 tasks/);
});
