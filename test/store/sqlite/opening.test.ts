import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import t from 'tap';
import { plainNode } from '../../../scripts/lib/plain-node.js';
import type { Test } from 'tap';
import { StoreOpenError } from '../../../src/store/open-error.js';
import { migrate, openDatabase } from '../../../src/store/sqlite/database.js';
import { dataFiles } from '../../../src/store/sqlite/files.js';
import { APPLICATION_ID, MIGRATIONS } from '../../../src/store/sqlite/schema.js';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import { applied, submit } from '../operations.js';

const open = (directory: string): Promise<SqliteStore> =>
  openSqliteStore({ directory, durability: 'normal', tuning: { reserveBytes: 0 } });

/** A directory with a store that has one task. */
async function used(t: Test): Promise<string> {
  const directory = t.testdir();
  const store = await open(directory);
  await applied(t, store, [submit('t1')]);
  await store.close();
  return directory;
}

function contents(directory: string): Record<string, string> {
  const hashOf = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(directory, name)))
      .digest('hex');
  return Object.fromEntries(readdirSync(directory).map((name) => [name, hashOf(name)]));
}

async function refused(
  t: Test,
  directory: string,
  reason: StoreOpenError['reason'],
  words: RegExp,
): Promise<void> {
  const error: unknown = await open(directory).then(
    (store) => store.close(),
    (error: unknown) => error,
  );
  if (!(error instanceof StoreOpenError)) return void t.fail(`not refused: ${String(error)}`);
  t.equal(error.reason, reason, error.message);
  t.match(error.message, words);
  t.notMatch(error.message, /\n/);
}

void t.test('a directory is made for its owner alone', async (t) => {
  const directory = join(t.testdir(), 'a', 'b');
  const store = await open(directory);
  t.teardown(() => store.close());
  await applied(t, store, [submit('t1')]);
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  t.equal(mode(directory), '700');
  for (const name of readdirSync(directory)) t.equal(mode(join(directory, name)), '600', name);
});

void t.test('a closed store leaves its database in one file', async (t) => {
  t.strictSame(readdirSync(await used(t)).sort(), ['swarm.lock', 'swarm.sqlite']);
});

void t.test('what is not ours, or not whole, is refused, and nothing is touched', async (t) => {
  const made = (bytes: string) => (database: string) => writeFileSync(database, bytes);
  const foreign = (sql: string) => (database: string) => {
    const other = new Database(database);
    other.exec(sql);
    other.close();
  };
  const newer = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 9`;
  const cases: readonly (readonly [string, (database: string) => void, StoreOpenError['reason'], RegExp])[] =
    [
      ['garbage', made('no database at all '.repeat(1_000)), 'DAMAGED', /swarm\.sqlite is damaged.*restore/],
      ['an empty file', made(''), 'DAMAGED', /damaged/],
      [
        'another program',
        foreign('CREATE TABLE x (a); PRAGMA application_id = 77'),
        'FOREIGN',
        /program.*77/,
      ],
      ['no program', foreign('CREATE TABLE tasks (a)'), 'FOREIGN', /another program/],
      [
        'a newer version',
        foreign(newer),
        'NEWER',
        new RegExp(`schema 9, this one knows ${MIGRATIONS.length}`),
      ],
    ];
  for (const [name, make, reason, words] of cases) {
    await t.test(name, async (t) => {
      const directory = t.testdir();
      make(dataFiles(directory).database);
      const before = contents(directory);
      await refused(t, directory, reason, words);
      t.strictSame(contents(directory), before);
    });
  }
});

void t.test('our id on other tables is foreign', async (t) => {
  const directory = t.testdir();
  const other = new Database(dataFiles(directory).database);
  other.exec(`CREATE TABLE tasks (a); PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
  other.close();
  const before = contents(directory);
  await refused(t, directory, 'FOREIGN', /no table 'experiences'/);
  t.match(contents(directory), before);
});

void t.test('a truncated database is refused', async (t) => {
  const directory = await used(t);
  const { database } = dataFiles(directory);
  truncateSync(database, Math.floor(statSync(database).size / 2));
  const before = contents(directory);
  await refused(t, directory, 'DAMAGED', /end is missing/);
  t.strictSame(contents(directory), before);
});

void t.test('a page of rubbish is found', async (t) => {
  const directory = await used(t);
  const { database } = dataFiles(directory);
  const bytes = readFileSync(database);
  // the root page of the tasks: the second of the file, after the schema
  bytes.fill(0xa5, 4096, 8192);
  writeFileSync(database, bytes);
  await refused(t, directory, 'DAMAGED', /damaged/);
  t.strictSame(readFileSync(database), bytes);
});

void t.test('where nothing can be written, the path and the reason are said', async (t) => {
  const file = join(t.testdir({ file: 'x' }), 'file');
  await refused(t, file, 'UNWRITABLE', /file cannot be written.*EEXIST/);
  await refused(t, join(file, 'below'), 'UNWRITABLE', /below cannot be written.*ENOTDIR/);
  if (process.platform === 'linux') await refused(t, '/proc/nothing', 'UNWRITABLE', /ENOENT/);
  const directory = t.testdir();
  mkdirSync(dataFiles(directory).lock);
  await refused(t, directory, 'UNWRITABLE', /swarm\.lock cannot be written/);
});

void t.test(
  'a read-only directory is refused',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  async (t) => {
    const directory = t.testdir();
    mkdirSync(join(directory, 'sealed'), { mode: 0o500 });
    await refused(t, join(directory, 'sealed'), 'UNWRITABLE', /EACCES/);
  },
);

void t.test('one store at a time has a directory', async (t) => {
  const directory = t.testdir();
  const first = await open(directory);
  const holder = new RegExp(`is in use by process ${process.pid} on ${hostname()}`);
  await refused(t, directory, 'LOCKED', holder);
  await applied(t, first, [submit('t1')]);
  await first.close();
  const second = await open(directory);
  t.strictSame(await second.count(), { queued: 1 });
  await second.close();
});

void t.test('the directory of a killed process is free, that of a living one is not', async (t) => {
  const directory = t.testdir();
  const script = fileURLToPath(new URL('./committing-child.js', import.meta.url));
  const child = spawn(...plainNode([script, directory]), { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await refused(t, directory, 'LOCKED', new RegExp(`process ${child.pid ?? 0} on`));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await open(directory);
  await store.close();
});

void t.test('a store that could not be opened lets go of the directory', async (t) => {
  const directory = await used(t);
  const { database } = dataFiles(directory);
  const whole = readFileSync(database);
  const bytes = Buffer.from(whole);
  bytes.fill(0xa5, 4096, 8192);
  writeFileSync(database, bytes);
  await refused(t, directory, 'DAMAGED', /damaged/);
  writeFileSync(database, whole);
  const store = await open(directory);
  t.strictSame(await store.count(), { queued: 1 });
  await store.close();
});

void t.test('migrations', async (t) => {
  const second = { sql: "ALTER TABLE tasks ADD COLUMN extra TEXT DEFAULT 'new'; CREATE TABLE more (a);" };
  const options = { durability: 'normal', maxPages: null } as const;

  await t.test('an older schema is brought up to date with what it holds', async (t) => {
    const files = dataFiles(await used(t));
    const connection = openDatabase(files, options, [...MIGRATIONS, second]);
    t.match(connection.prepare('SELECT task_id, extra FROM tasks').raw().get(), ['t1', 'new']);
    t.match(connection.prepare('PRAGMA user_version').raw().get(), [MIGRATIONS.length + 1]);
    migrate(connection, [...MIGRATIONS, second]);
    connection.close();
    await refused(
      t,
      files.directory,
      'NEWER',
      new RegExp(`schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length}`),
    );
  });

  await t.test('a new database has all of them', async (t) => {
    const connection = openDatabase(dataFiles(t.testdir()), options, [...MIGRATIONS, second]);
    t.match(connection.prepare('PRAGMA user_version').raw().get(), [MIGRATIONS.length + 1]);
    t.equal(connection.prepare('SELECT extra FROM tasks').raw().get(), undefined);
    connection.close();
  });

  await t.test('one that fails leaves the version before it', async (t) => {
    const files = dataFiles(await used(t));
    const broken = { sql: 'CREATE TABLE half (a); CREATE TABLE tasks (a);' };
    t.throws(() => openDatabase(files, options, [...MIGRATIONS, second, broken]), StoreOpenError);
    const connection = openDatabase(files, options, [...MIGRATIONS, second]);
    t.match(connection.prepare('PRAGMA user_version').raw().get(), [MIGRATIONS.length + 1]);
    t.equal(connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'half'").raw().get(), undefined);
    connection.close();
  });
});
