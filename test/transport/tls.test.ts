import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  createQuicConnector,
  listenQuic,
  type ClientTls,
  type QuicConnectorOptions,
  type QuicListenerOptions,
} from '../../src/transport/index.js';
import type { CloseInfo } from '../../src/transport/transport.js';
import { testCertificates } from '../support/certificates.js';
import { ConnectionProbe } from '../support/quic-pair.js';

/** Over real sockets on loopback: how a connection attempt ends, as client and server see it. */
async function attempt(
  t: Test,
  tls: ClientTls,
  options: {
    client?: Partial<QuicConnectorOptions>;
    server?: Partial<QuicListenerOptions>;
    host?: string;
  } = {},
) {
  const certificates = await testCertificates();
  const failures: CloseInfo[] = [];
  let heard: (info: CloseInfo) => void = () => undefined;
  const failed = new Promise<CloseInfo>((resolve) => (heard = resolve));
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    tls: certificates.server,
    onHandshakeFailed: (_address, info) => {
      failures.push(info);
      heard(info);
    },
    ...options.server,
  });
  const serverClosed = new Promise<CloseInfo>((resolve) => {
    listener.onConnection((connection) => {
      connection.setHandler({ onEstablished: () => undefined, onStream: () => undefined, onClosed: resolve });
    });
  });
  const connector = createQuicConnector({ tls, ...options.client });
  t.teardown(async () => {
    await connector.close();
    await listener.close(0, '');
  });
  const port = listener.address.split(':')[1] ?? '';
  const connection = connector.connect(`${options.host ?? '127.0.0.1'}:${port}`);
  const probe = new ConnectionProbe();
  connection.setHandler(probe);
  const outcome = await Promise.race([
    probe.established.promise.then(() => 'established' as const),
    probe.closed.promise,
  ]);
  return { outcome, connection, probe, serverFailed: failed, serverClosed, listener };
}

t.test('trusted: by authority, for a name and for an address', async (t) => {
  const { ca } = await testCertificates();
  t.equal((await attempt(t, { ca })).outcome, 'established');
  t.equal((await attempt(t, { ca }, { host: 'localhost' })).outcome, 'established');
});

t.test('trusted: by fingerprint, with and without colons', async (t) => {
  const { server } = await testCertificates();
  const { fingerprint256 } = new X509Certificate(server.cert);
  t.equal((await attempt(t, { fingerprint: fingerprint256 })).outcome, 'established');
  t.equal(
    (await attempt(t, { fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() })).outcome,
    'established',
  );
  const wrong = await attempt(t, { fingerprint: 'ab'.repeat(32) });
  t.match(wrong.outcome, { by: 'local', layer: 'tls', code: 42, reason: /has the fingerprint/ });
});

t.test('insecure trusts anyone, only when asked', async (t) => {
  t.equal((await attempt(t, { insecure: true })).outcome, 'established');
});

t.test('refused: unknown authority, on both sides', async (t) => {
  const { client } = await testCertificates();
  const { outcome, serverFailed } = await attempt(t, { ca: client.cert });
  t.match(outcome, { by: 'local', layer: 'tls', code: 48 });
  t.match(await serverFailed, { by: 'peer', layer: 'tls', code: 48 });
});

t.test('refused: a certificate for other addresses', async (t) => {
  const { ca } = await testCertificates();
  const { outcome } = await attempt(t, { ca }, { client: { serverName: '192.0.2.1' } });
  t.match(outcome, {
    by: 'local',
    layer: 'tls',
    code: 42,
    reason: /not for 192\.0\.2\.1 \(it is for DNS:localhost/,
  });
  const byName = await attempt(t, { ca }, { client: { serverName: 'elsewhere.example' } });
  t.match(byName.outcome, { by: 'local', layer: 'tls', code: 42 });
});

t.test('refused: an expired certificate', async (t) => {
  const { ca, expired } = await testCertificates();
  const { outcome } = await attempt(t, { ca }, { server: { tls: expired } });
  t.match(outcome, { by: 'local', layer: 'tls', code: 45 });
});

t.test('refused: another application protocol, on both sides', async (t) => {
  const { ca } = await testCertificates();
  const { outcome, serverFailed } = await attempt(t, { ca }, { client: { alpn: 'h3' } });
  t.match(outcome, { by: 'peer', layer: 'tls', code: 120 });
  t.match(await serverFailed, { by: 'local', layer: 'tls', code: 120 });
});

t.test('mutual TLS: a client needs a certificate of the authority', async (t) => {
  const { ca, server, client } = await testCertificates();
  const mutual = { server: { tls: { ...server, ca, requireClientCert: true } } };
  const good = await attempt(t, { ca, ...client }, mutual);
  t.equal(good.outcome, 'established');
  const none = await attempt(t, { ca }, mutual);
  const end = none.outcome === 'established' ? await none.probe.closed.promise : none.outcome;
  t.match(end, { by: 'peer', layer: 'tls', code: 116 });
  t.match(await none.serverFailed, { by: 'local', layer: 'tls', code: 116 });
});

t.test('nothing listens: refused at once, not after a timeout', async (t) => {
  const { ca } = await testCertificates();
  const socket = createSocket('udp4');
  const port = await new Promise<number>((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket.address().port));
  });
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  const connector = createQuicConnector({ tls: { ca } });
  t.teardown(() => connector.close());
  const probe = new ConnectionProbe();
  connector.connect(`127.0.0.1:${String(port)}`).setHandler(probe);
  t.match(await probe.closed.promise, {
    by: 'timeout',
    reason: /connection refused: nothing listens at 127\.0\.0\.1/,
  });
});

t.test('an address in use is refused by name', async (t) => {
  const { server } = await testCertificates();
  const first = await listenQuic({ host: '127.0.0.1', port: 0, tls: server });
  t.teardown(() => first.close(0, ''));
  const port = Number(first.address.split(':')[1]);
  await t.rejects(listenQuic({ host: '127.0.0.1', port, tls: server }), {
    name: 'ListenError',
    code: 'EADDRINUSE',
  });
});

t.test('a key that does not fit its certificate leaves no socket behind', async (t) => {
  const { server, client } = await testCertificates();
  await t.rejects(listenQuic({ host: '127.0.0.1', port: 0, tls: { cert: server.cert, key: client.key } }));
});

t.test('SSLKEYLOGFILE collects the secrets of every connection', async (t) => {
  const file = join(t.testdir(), 'keys.log');
  const before = process.env.SSLKEYLOGFILE;
  process.env.SSLKEYLOGFILE = file;
  t.teardown(() => {
    if (before === undefined) delete process.env.SSLKEYLOGFILE;
    else process.env.SSLKEYLOGFILE = before;
  });
  const { ca } = await testCertificates();
  const first = await attempt(t, { ca });
  const second = await attempt(t, { ca });
  t.same([first.outcome, second.outcome], ['established', 'established']);
  const lines = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0'));
  t.ok(new Set(lines).size >= 2, 'one secret for each connection');
});
