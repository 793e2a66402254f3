import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeDirectory } from '../../src/files/make-directory.js';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

t.test('makes what is missing, and says whether that was anything', async (t) => {
  const root = t.testdir();
  const path = join(root, 'a', 'b', 'c');
  t.equal(makeDirectory(path, 0o700), true);
  for (const made of [path, join(root, 'a', 'b'), join(root, 'a')]) t.equal(modeOf(made), '700');
  t.equal(makeDirectory(path, 0o700), false);
  t.equal(makeDirectory(`${path}/d/`, 0o700), true);
  t.equal(makeDirectory('/', 0o700), false);
  t.equal(makeDirectory('.', 0o700), false);
});

t.test('leaves one that is there as it is, and goes through links', async (t) => {
  const root = t.testdir();
  const open = join(root, 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  symlinkSync(open, join(root, 'link'));
  t.equal(makeDirectory(join(root, 'link'), 0o700), false);
  t.equal(makeDirectory(join(root, 'link', 'below'), 0o700), true);
  t.equal(modeOf(open), '755');
  t.equal(modeOf(join(open, 'below')), '700');
});

t.test('what is in the way is said', async (t) => {
  const root = t.testdir();
  writeFileSync(join(root, 'file'), '');
  symlinkSync('nowhere', join(root, 'dangling'));
  t.throws(() => makeDirectory(join(root, 'file'), 0o700), { code: 'EEXIST' });
  t.throws(() => makeDirectory(join(root, 'file', 'below'), 0o700), { code: 'ENOTDIR' });
  t.throws(() => makeDirectory(join(root, 'dangling'), 0o700), { code: 'EEXIST' });
});

const noProc = process.platform !== 'linux' && 'there is no /proc';
t.test('a file system that makes no directories is an error, not a wait', { skip: noProc }, async (t) => {
  t.throws(() => makeDirectory('/proc/nothing', 0o700), { code: 'ENOENT', path: '/proc/nothing' });
  t.throws(() => makeDirectory('/proc/self/a/b', 0o700), { code: 'ENOENT', path: '/proc/self/a' });
});
