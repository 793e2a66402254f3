import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { plainNode } from '../../../scripts/lib/plain-node.js';
import { finishFileSet, publishFileSet, replaceFile } from '../../../src/commands/certificates/file-set.js';

const set = (content: string) =>
  new Map([
    ['a.key', content],
    ['b.crt', content],
    ['c.crt', content],
  ]);
const mode = (path: string) => statSync(path).mode & 0o777;
const posix = process.platform === 'win32' ? { skip: 'no modes here' } : {};

t.test('makes the directory and the files, keys for their owner only', posix, async (t) => {
  const dir = join(t.testdir(), 'deep', 'certs');
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  publishFileSet(dir, set('x'));
  t.same(readdirSync(dir).sort(), ['a.key', 'b.crt', 'c.crt'], 'nothing is left over');
  t.equal(mode(dir), 0o700);
  t.equal(mode(join(dir, 'a.key')), 0o600);
  t.equal(mode(join(dir, 'b.crt')), 0o644);
  replaceFile(dir, 'a.key', 'y');
  t.equal(mode(join(dir, 'a.key')), 0o600);
  t.equal(readFileSync(join(dir, 'a.key'), 'utf8'), 'y');
});

t.test('never overwrites a file', async (t) => {
  const dir = t.testdir({ 'README.md': 'kept' });
  publishFileSet(dir, set('first'));
  publishFileSet(dir, set('second'));
  for (const name of ['a.key', 'b.crt', 'c.crt']) t.equal(readFileSync(join(dir, name), 'utf8'), 'first');
  t.same(readdirSync(dir).sort(), ['README.md', 'a.key', 'b.crt', 'c.crt']);
});

t.test('a set that a crash left half-way is finished', async (t) => {
  const dir = t.testdir();
  const pending = join(dir, '.new-set');
  mkdirSync(pending);
  for (const [index, name] of ['a.key', 'b.crt', 'c.crt'].entries())
    writeFileSync(join(pending, `${index}-${name}`), 'first');
  linkSync(join(pending, '0-a.key'), join(dir, 'a.key'));
  publishFileSet(dir, set('second'));
  for (const name of ['a.key', 'b.crt', 'c.crt']) t.equal(readFileSync(join(dir, name), 'utf8'), 'first');
  t.same(readdirSync(dir).sort(), ['a.key', 'b.crt', 'c.crt']);
  finishFileSet(dir);
  finishFileSet(join(dir, 'nowhere'));
});

t.test('processes that publish at once all end up with the set of one', async (t) => {
  const base = t.testdir();
  const module = new URL('../../../src/commands/certificates/file-set.js', import.meta.url).href;
  const rounds = 40;
  const script = `
    const { publishFileSet } = await import(${JSON.stringify(module)});
    const { readFileSync } = await import('node:fs');
    const { join } = await import('node:path');
    process.stdout.write('ready');
    process.stdin.once('data', () => {
      for (let round = 0; round < ${rounds}; round++) {
        const dir = join(${JSON.stringify(base)}, String(round));
        publishFileSet(dir, new Map(['a.key', 'b.crt', 'c.crt'].map((name) => [name, String(process.pid)])));
        const seen = ['a.key', 'b.crt', 'c.crt'].map((name) => readFileSync(join(dir, name), 'utf8'));
        if (new Set(seen).size !== 1) throw new Error('mixed: ' + seen);
      }
      process.exit(0);
    });`;
  const children = Array.from({ length: 4 }, () =>
    spawn(...plainNode(['--input-type=module', '-e', script]), { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const ended = Promise.all(children.map((child) => once(child, 'close')));
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  for (const child of children) child.stdin.write('go');
  for (const [status] of await ended) t.equal(status, 0);
  for (let round = 0; round < rounds; round++) {
    const dir = join(base, String(round));
    t.same(readdirSync(dir).sort(), ['a.key', 'b.crt', 'c.crt']);
    t.equal(new Set(readdirSync(dir).map((name) => readFileSync(join(dir, name), 'utf8'))).size, 1);
  }
});
