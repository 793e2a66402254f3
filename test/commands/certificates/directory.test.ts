import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  ensureCertificates,
  makeClientCertificate,
  renewCertificates,
} from '../../../src/commands/certificates/directory.js';
import { fingerprintOf } from '../../../src/commands/certificates/describe.js';
import { loadServerIdentity } from '../../../src/commands/certificates/server-identity.js';
import { readCertificates } from '../../../src/commands/certificates/pem.js';

const DAY_MS = 86_400_000;
const now = new Date();
const later = (days: number) => new Date(now.getTime() + days * DAY_MS);

const base = t.testdir();
const model = join(base, 'model');
const first = await ensureCertificates({ directory: model, san: [], now });
let copies = 0;

/** A directory of its own with the certificates of `model`. */
function copy(...without: string[]): string {
  const directory = join(base, `copy-${++copies}`);
  cpSync(model, directory, { recursive: true });
  for (const name of without) rmSync(join(directory, name));
  return directory;
}

const read = (directory: string, name: string) => readFileSync(join(directory, name), 'utf8');

t.test('the first run makes all, later ones use it', async (t) => {
  t.same(first, { directory: model, made: ['ca.key', 'server.key', 'server.crt', 'ca.crt'], warnings: [] });
  const directory = copy();
  t.same(await ensureCertificates({ directory, san: [], now }), { directory, made: [], warnings: [] });
  for (const name of readdirSync(model)) t.equal(read(directory, name), read(model, name));
});

t.test('the key of the CA may be kept elsewhere', async (t) => {
  const directory = copy('ca.key');
  t.same((await ensureCertificates({ directory, san: [], now })).made, []);
});

t.test('a partial set is an error, and stays as it is', async (t) => {
  for (const missing of ['ca.crt', 'server.crt', 'server.key']) {
    const directory = copy(missing);
    await t.rejects(ensureCertificates({ directory, san: [], now }), {
      name: 'UsageError',
      message: new RegExp(
        `has .* but not ${missing}: add what is missing, .*certs init --force --certs ${directory}$`,
      ),
    });
    t.same(readdirSync(directory).length, 3);
  }
});

t.test('warns before the end, refuses after it, and renewing keeps the CA and the names', async (t) => {
  const directory = copy();
  await renewCertificates({ directory, san: ['swarm.example'], now });
  const soon = await ensureCertificates({ directory, san: [], now: later(340) });
  t.match(soon.warnings, [
    /server\.crt: the certificate expires on .*, in 2[45] days: renew it with: .*--force/,
  ]);
  await t.rejects(ensureCertificates({ directory, san: [], now: later(366) }), {
    name: 'UsageError',
    message:
      /server\.crt: the certificate expired on \d{4}-\d\d-\d\d: renew it with: swarm-coordinator certs init --force/,
  });
  await t.rejects(ensureCertificates({ directory, san: [], now: later(-1) }), {
    message: /the certificate is valid only from .*: check this machine's clock$/,
  });
  const renewed = await renewCertificates({ directory, san: [], now: later(366) });
  t.same(renewed, { directory, made: ['server.key', 'server.crt'], warnings: [] });
  t.equal(read(directory, 'ca.crt'), read(model, 'ca.crt'));
  t.not(read(directory, 'server.key'), read(model, 'server.key'));
  t.same((await ensureCertificates({ directory, san: ['swarm.example'], now: later(366) })).warnings, []);
});

t.test(
  'renewing makes a new CA when the old one is over, but never replaces one whose key it lacks',
  async (t) => {
    const old = copy();
    t.same((await renewCertificates({ directory: old, san: [], now: later(3700) })).made, [
      'ca.key',
      'server.key',
      'server.crt',
      'ca.crt',
    ]);
    const foreign = copy('ca.key');
    await t.rejects(renewCertificates({ directory: foreign, san: [], now }), {
      message: /ca\.key: is missing: bring it here/,
    });
    t.equal(read(foreign, 'server.crt'), read(model, 'server.crt'));
  },
);

t.test('a name that the certificate lacks is a warning', async (t) => {
  const { warnings } = await ensureCertificates({
    directory: model,
    san: ['localhost', 'other.example', '10.1.1.1'],
    now,
  });
  t.match(warnings, [/does not name other\.example: /, /does not name 10\.1\.1\.1: /]);
});

t.test('a key that does not match, and broken files', async (t) => {
  const directory = copy();
  writeFileSync(join(directory, 'server.key'), read(model, 'ca.key'));
  await t.rejects(ensureCertificates({ directory, san: [], now }), {
    message: `${join(directory, 'server.key')}: does not match the certificate ${join(directory, 'server.crt')}: give the two that were made together`,
  });
  writeFileSync(join(directory, 'server.crt'), 'nothing');
  await t.rejects(ensureCertificates({ directory, san: [], now }), {
    message: /server\.crt: holds no PEM certificate/,
  });
});

t.test('client certificates', async (t) => {
  const directory = copy();
  const make = (id: string, force = false) => makeClientCertificate({ directory, id, now, force });
  t.same(await make('agent-1'), { directory, made: ['agent-1.key', 'agent-1.crt'], warnings: [] });
  const old = read(directory, 'agent-1.crt');
  await t.rejects(make('agent-1'), {
    message: `${join(directory, 'agent-1.key')}: exists; --force replaces it`,
  });
  t.equal(read(directory, 'agent-1.crt'), old);
  await make('agent-1', true);
  t.not(read(directory, 'agent-1.crt'), old);
  for (const id of ['ca', 'server', 'SERVER']) {
    await t.rejects(make(id, true), { message: new RegExp(`'${id}' cannot be an id here`) });
  }
  await t.rejects(makeClientCertificate({ directory: copy('ca.key'), id: 'a', now, force: false }), {
    message: /ca\.key: is missing/,
  });
});

t.test('what a coordinator loads', async (t) => {
  const none = { certs: model, cert: null, key: null, ca: null, san: [] };
  const file = (name: string) => join(model, name);
  const fingerprint = fingerprintOf(readCertificates('x', file('server.crt')).certificates[0]);

  t.same(await loadServerIdentity(none, now), {
    cert: read(model, 'server.crt'),
    key: read(model, 'server.key'),
    ca: read(model, 'ca.crt'),
    fingerprint,
    made: [],
    warnings: [],
  });
  const unused = join(base, 'unused');
  const own = { ...none, certs: unused, cert: file('server.crt'), key: file('server.key') };
  t.match(await loadServerIdentity(own, now), { fingerprint, ca: null, made: [] });
  t.notOk(readdirSync(base).includes('unused'), 'nothing is made when files are given');

  const made = await loadServerIdentity({ ...none, certs: join(base, 'fresh') }, now);
  t.equal(made.made.length, 4);

  const rejects = (options: object, message: RegExp, at = now) =>
    t.rejects(loadServerIdentity({ ...none, ...options }, at), { name: 'UsageError', message });
  await rejects({ cert: file('server.crt') }, /^--cert: needs --key FILE too$/);
  await rejects({ key: file('server.key') }, /^--key: needs --cert FILE too$/);
  await rejects(
    { cert: file('server.crt'), key: file('none') },
    /^--key: .*none: no such file or directory$/,
  );
  await rejects(
    { cert: file('server.crt'), key: file('ca.key') },
    /^.*ca\.key: does not match the certificate /,
  );
  await rejects({ cert: file('server.key'), key: file('server.key') }, /^--cert: .*holds no PEM certificate/);
  await rejects({ cert: file('server.crt'), key: file('server.crt') }, /^--key: .*holds no PEM private key/);
  await rejects({ ca: file('server.key') }, /^--ca: .*holds no PEM certificate/);
  await rejects({ ...own }, /server\.crt: the certificate expired on /, later(400));
  await rejects({ certs: file('ca.crt') }, /^--certs: /);
});

t.test('a key that others can read is a warning', { skip: process.platform === 'win32' }, async (t) => {
  const directory = copy();
  chmodSync(join(directory, 'server.key'), 0o640);
  t.same((await ensureCertificates({ directory, san: [], now })).warnings, [
    `${join(directory, 'server.key')}: other users can read this private key (mode 640): chmod 600 ${join(directory, 'server.key')}`,
  ]);
});
