import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { issueAuthority, issueClient } from '../../../src/commands/certificates/issue.js';
import { readJoinToken } from '../../../src/commands/certificates/join-token.js';
import { readCertificates, readKey } from '../../../src/commands/certificates/pem.js';
import { systemAuthorities } from '../../../src/commands/certificates/system-authorities.js';
import { resolveTrust } from '../../../src/commands/certificates/trust.js';
import type { TrustOptions } from '../../../src/commands/options/trust-options.js';

const now = new Date();
const authority = await issueAuthority(now);
const client = await issueClient(authority, 'agent-1', now);
const dir = t.testdir({
  'ca.crt': authority.cert,
  'a.crt': client.cert,
  'a.key': client.key,
  token: ' secret\n',
});
const file = (name: string) => join(dir, name);
const fingerprint = 'ab'.repeat(32);

const resolve = (given: Partial<TrustOptions> = {}, defaultCa = file('none'), at = now) =>
  resolveTrust(
    { ca: null, fingerprint: null, cert: null, key: null, joinTokenFile: null, insecure: false, ...given },
    { now: at, defaultCa },
  );

t.before(() => {
  for (const name of ['a.key']) writeFileSync(file(name), client.key, { mode: 0o600 });
});

t.test('whom to believe', async (t) => {
  t.match(resolve({ ca: file('ca.crt') }), { tls: { ca: authority.cert }, caSource: file('ca.crt') });
  t.match(resolve({}, file('ca.crt')), { tls: { ca: authority.cert }, caSource: file('ca.crt') });
  const system = resolve();
  t.equal(system.caSource, "the system's authorities");
  t.match(system.tls.ca, /-----BEGIN CERTIFICATE-----/);
  t.equal(resolve({ ca: 'system' }, file('ca.crt')).caSource, "the system's authorities");
});

t.test('a fingerprint alone asks no authority', async (t) => {
  t.same(resolve({ fingerprint }, file('ca.crt')), {
    tls: { fingerprint },
    caSource: null,
    joinToken: null,
    warnings: [],
  });
});

t.test('--insecure warns and contradicts the rest', async (t) => {
  const { tls, warnings } = resolve({ insecure: true }, file('ca.crt'));
  t.same(tls, { insecure: true });
  t.match(warnings, [/^--insecure: the coordinator is not checked/]);
  t.throws(() => resolve({ insecure: true, ca: 'x' }), { message: /^--insecure: contradicts --ca/ });
  t.throws(() => resolve({ insecure: true, fingerprint }), {
    message: /^--insecure: contradicts --fingerprint/,
  });
});

t.test('own certificate and token', async (t) => {
  const found = resolve({
    ca: file('ca.crt'),
    cert: file('a.crt'),
    key: file('a.key'),
    joinTokenFile: file('token'),
  });
  t.same(found.tls, { ca: authority.cert, cert: client.cert, key: readFileSync(file('a.key'), 'utf8') });
  t.equal(found.joinToken, 'secret');
  t.throws(() => resolve({ cert: file('a.crt') }), { message: '--cert: needs --key FILE too' });
  t.throws(() => resolve({ key: file('a.key') }), { message: '--key: needs --cert FILE too' });
});

t.test('files that cannot be used', async (t) => {
  const later = (days: number) => new Date(now.getTime() + days * 86_400_000);
  t.throws(() => resolve({ ca: file('none') }), {
    name: 'UsageError',
    message: `--ca: ${file('none')}: no such file or directory`,
  });
  t.throws(() => resolve({ ca: file('token') }), { message: /^--ca: .*token: holds no PEM certificate/ });
  t.throws(() => resolve({ ca: dir }), { message: `--ca: ${dir}: is a directory, a file is wanted` });
  t.throws(() => resolve({ ca: file('ca.crt') }, '', later(3700)), {
    message: /ca\.crt: the certificate expired on /,
  });
  t.throws(() => resolve({ cert: file('a.crt'), key: file('a.key') }, file('ca.crt'), later(400)), {
    message:
      /a\.crt: the certificate expired on .*: make a new one with: swarm-coordinator certs agent ID --force$/,
  });
  writeFileSync(file('broken'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  t.throws(() => readCertificates('--ca', file('broken')), {
    message: `--ca: ${file('broken')}: certificate 1 in it is broken`,
  });
  writeFileSync(file('bundle'), authority.cert + client.cert);
  t.equal(readCertificates('--ca', file('bundle')).certificates.length, 2);
});

t.test('keys that cannot be used', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encrypted = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  writeFileSync(file('encrypted'), encrypted, { mode: 0o600 });
  t.throws(() => readKey('--key', file('encrypted')), {
    message: `--key: ${file('encrypted')}: is encrypted: give the key without a passphrase`,
  });
  writeFileSync(file('broken.key'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  t.throws(() => readKey('--key', file('broken.key')), { message: /the private key in it is broken$/ });
  const sec1 = privateKey.export({ type: 'sec1', format: 'pem' });
  writeFileSync(file('sec1'), sec1, { mode: 0o600 });
  t.equal(readKey('--key', file('sec1')).key.type, 'private');
});

t.test('join tokens', async (t) => {
  const says = (content: string | Buffer, message: string) => {
    writeFileSync(file('t'), content);
    t.throws(() => readJoinToken(file('t')), {
      name: 'UsageError',
      message: `--join-token-file: ${file('t')}: ${message}`,
    });
  };
  says('', 'is empty');
  says(' \n\t', 'is empty');
  says('x'.repeat(1025), 'is longer than 1024 characters');
  says('x'.repeat(1_000_000), 'is longer than 1024 characters');
  says(Buffer.from([0xff, 0xfe]), 'is not UTF-8 text');
  writeFileSync(file('t'), `${'x'.repeat(1024)}\r\n`);
  t.equal(readJoinToken(file('t')).length, 1024);
  t.throws(() => readJoinToken(file('none')), { message: /no such file or directory$/ });
});

t.test('SSL_CERT_FILE names the system authorities', async (t) => {
  t.equal(systemAuthorities({ SSL_CERT_FILE: file('ca.crt') }), authority.cert);
  t.match(systemAuthorities({ SSL_CERT_FILE: file('none') }), /-----BEGIN CERTIFICATE-----/);
});
