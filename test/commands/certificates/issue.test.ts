import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import {
  altNames,
  coversName,
  describeCertificate,
  fingerprintOf,
} from '../../../src/commands/certificates/describe.js';
import { issueAuthority, issueClient, issueServer } from '../../../src/commands/certificates/issue.js';
import { serverNames } from '../../../src/commands/certificates/names.js';

const now = new Date();
const authority = await issueAuthority(now);
const server = await issueServer(
  authority,
  serverNames(['Swarm.Example', '*.w.example', '10.0.0.5', '0:0::9']),
  now,
);
const client = await issueClient(authority, 'agent:1@x', now);
const certificate = new X509Certificate(server.cert);

t.test('the authority', async (t) => {
  const ca = new X509Certificate(authority.cert);
  t.equal(ca.ca, true);
  t.ok(ca.verify(ca.publicKey));
  t.equal(ca.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.match(ca.subject, /^CN=quic-swarm CA [0-9a-f]{8}$/);
  const other = new X509Certificate((await issueAuthority(now)).cert);
  t.not(other.subject, ca.subject, 'two authorities are told apart by name');
  t.not(other.serialNumber, ca.serialNumber);
});

t.test('leaves are signed by it and are no authorities', async (t) => {
  const ca = new X509Certificate(authority.cert);
  const agent = new X509Certificate(client.cert);
  for (const leaf of [certificate, agent]) {
    t.equal(leaf.ca, false);
    t.ok(leaf.checkIssued(ca));
    t.ok(leaf.verify(ca.publicKey));
  }
  t.equal(agent.subject, 'CN=agent:1@x');
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'server authentication');
  t.same(agent.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'client authentication');
  t.equal(new Set([ca, certificate, agent].map(({ serialNumber }) => serialNumber)).size, 3);
});

t.test('names', async (t) => {
  const expected = [
    'localhost',
    '127.0.0.1',
    '::1',
    'swarm-coordinator',
    'swarm.example',
    'a.w.example',
    '10.0.0.5',
    '::9',
  ];
  for (const name of [...expected, 'SWARM.example', '*.w.example', '0:0:0:0:0:0:0:9'])
    t.ok(coversName(certificate, name), name);
  for (const name of ['example', 'a.b.w.example', '10.0.0.6', '::2'])
    t.notOk(coversName(certificate, name), name);
  t.same(serverNames(['LOCALHOST', '::1']), serverNames([]), 'no duplicates');
  t.same(altNames(new X509Certificate(client.cert)), []);
});

t.test('validity: ten years and one', async (t) => {
  const days = (pem: string) => describeCertificate('x', new X509Certificate(pem), now).daysLeft;
  t.ok([3651, 3652].includes(days(authority.cert)));
  t.ok([364, 365].includes(days(server.cert)));
  t.ok(new Date(certificate.validFrom) < now, 'valid for machines whose clock is behind');
});

t.test('TLS accepts both sides', async (t) => {
  const listener = tls.createServer({
    ...server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'swarm-coordinator',
    ca: authority.cert,
    ...client,
  });
  const [accepted] = (await once(listener, 'secureConnection')) as [tls.TLSSocket];
  t.equal(accepted.authorized, true);
  t.equal(accepted.getPeerCertificate().subject.CN, 'agent:1@x');
  const seen = new X509Certificate(socket.getPeerCertificate().raw);
  t.equal(fingerprintOf(seen), fingerprintOf(certificate));
  const closed = once(listener, 'close');
  listener.close();
  socket.destroy();
  accepted.destroy();
  await closed;
});
