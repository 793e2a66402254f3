import t from 'tap';
import { subjectAltName } from '../../../src/commands/options/certificate-options.js';
import { choice } from '../../../src/commands/options/choice.js';
import { udpPayload } from '../../../src/commands/options/daemon-options.js';
import { fingerprint } from '../../../src/commands/options/fingerprint.js';
import { agentId, taskKind } from '../../../src/commands/options/identity.js';
import { integer } from '../../../src/commands/options/integer.js';
import { path, text } from '../../../src/commands/options/text.js';

t.test('integer', async (t) => {
  const parse = integer(0, 10);
  t.equal(parse('0'), 0);
  t.equal(parse('10'), 10);
  for (const bad of ['11', '-1', '1.0', '1e1', '', ' 1', 'x', '9'.repeat(30)]) {
    t.throws(() => parse(bad), { message: 'is not an integer from 0 to 10' }, bad);
  }
});

t.test('choice', async (t) => {
  const parse = choice(['cubic', 'bbr']);
  t.equal(parse('bbr'), 'bbr');
  for (const bad of ['BBR', '', 'reno'])
    t.throws(() => parse(bad), { message: 'is not one of cubic, bbr' }, bad);
});

t.test('text and path', async (t) => {
  t.equal(text(3)('abc'), 'abc');
  t.throws(() => text(3)('abcd'), { message: 'is longer than 3 characters' });
  t.throws(() => text(3)(''), { message: 'is empty' });
  t.throws(() => path('a\0b'), { message: 'holds control characters' });
});

t.test('fingerprint, with and without colons', async (t) => {
  const hex = 'ab'.repeat(32);
  t.equal(fingerprint(hex.toUpperCase()), hex);
  t.equal(fingerprint(Array.from({ length: 32 }, () => 'AB').join(':')), hex);
  for (const bad of [
    '',
    hex.slice(1),
    `${hex}0`,
    'zz'.repeat(32),
    `a:${hex}`,
    `sha256:${hex}`,
    'ab:'.repeat(32),
  ]) {
    t.throws(() => fingerprint(bad), { message: /^is not a SHA-256 fingerprint/ }, bad);
  }
});

t.test('ids and kinds follow the protocol', async (t) => {
  for (const good of ['agent-1', 'a', 'load-{n}', '1.2:3@x_y', 'a'.repeat(128)]) t.equal(agentId(good), good);
  for (const bad of ['', '-a', 'a b', 'a/b', '../a', '{n', 'ä', 'a'.repeat(129), `{n}${'a'.repeat(123)}`]) {
    t.throws(() => agentId(bad), { message: /^is not the id of an agent/ }, bad);
  }
  t.equal(taskKind('pattern-match'), 'pattern-match');
  for (const bad of ['', 'Compute', '1a', 'a b', 'a'.repeat(65)]) {
    t.throws(() => taskKind(bad), { message: /^is not a kind of task/ }, bad);
  }
});

t.test('UDP payload', async (t) => {
  t.equal(udpPayload('auto'), 'auto');
  t.equal(udpPayload('1350'), 1350);
  t.equal(udpPayload('16KiB'), 16_384);
  for (const bad of ['1199', '65508', 'Auto', '', '64KiB']) {
    t.throws(() => udpPayload(bad), { message: 'is not auto or 1200 to 65507 bytes' }, bad);
  }
});

t.test('names of certificates', async (t) => {
  for (const good of ['a.example', '*.a.example', '10.0.0.5', '::1', 'fe80::1'])
    t.equal(subjectAltName(good), good);
  for (const bad of ['', 'a b', 'a:1', '10.0.0.256', '*', '**.a', 'fe80::1%eth0', 'DNS:a', 'https://a']) {
    t.throws(() => subjectAltName(bad), { message: 'is not a DNS name or an IP address' }, bad);
  }
});
