import t, { type Test } from 'tap';
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { createQuicConnector, listenQuic, memorySessionCache } from '../../../src/transport/index.js';
import { testCertificates } from '../../support/certificates.js';
import { MemoryNetwork } from '../../support/memory-network.js';
import { deferred } from '../../support/quic-pair.js';
import { AGENT_HELLO, CLIENT_HELLO, Speaker } from '../../support/speaker.js';

const SERVER_PORT = 5000;
const ADDRESS = `127.0.0.1:${String(SERVER_PORT)}`;

/** A coordinator process on a store that outlives it. */
async function start(t: Test, network: MemoryNetwork, store: MemoryStore) {
  const certificates = await testCertificates();
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    tls: { ...certificates.server, earlyData: true },
    socket: network.open('127.0.0.1', SERVER_PORT),
    handshakeTimeoutMs: 500,
  });
  const coordinator = new Coordinator({ listener, store });
  await coordinator.start();
  t.teardown(() => coordinator.close());
  return { listener, coordinator };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

t.test('a resume in early data works across a restart, and a recording of it never does', async (t) => {
  const certificates = await testCertificates();
  const network = new MemoryNetwork();
  t.teardown(() => network.close());
  const store = Object.assign(new MemoryStore(), { close: () => Promise.resolve() });
  const cache = memorySessionCache();
  let ticket = deferred<undefined>();
  const connector = createQuicConnector({
    tls: { ca: certificates.ca },
    earlyData: true,
    sessions: {
      get: (server) => cache.get(server),
      delete: (server) => cache.delete(server),
      set: (server, session) => {
        cache.set(server, session);
        ticket.resolve(undefined);
      },
    },
    openPort: () => Promise.resolve(network.open()),
  });
  t.teardown(() => connector.close());
  const connect = () => new Speaker(connector.connect(ADDRESS));
  const replaysRefused = async () => {
    const client = connect();
    await client.established;
    client.control.send(CLIENT_HELLO);
    client.control.send({ type: 'QueryStatus', requestId: 1 });
    const { counters } = await client.control.next('StatusReport');
    client.connection.close(0, '');
    return counters?.['replaysRefused'] ?? 0;
  };
  const replay = async (flight: readonly Buffer[]) => {
    const port = network.open('127.0.0.9');
    for (const datagram of flight) {
      port.sendBuffer.set(datagram);
      port.send(datagram.length, '127.0.0.1', SERVER_PORT);
    }
    await settled();
  };

  const first = await start(t, network, store);
  const agent = connect();
  await agent.established;
  agent.control.send(AGENT_HELLO);
  const { sessionToken } = await agent.control.next('AgentAck');
  await ticket.promise;
  agent.connection.close(ERRORS.INTERNAL_ERROR.code, 'a crash');
  await agent.closed;

  network.recording = true;
  const resumed = connect();
  resumed.control.send({ ...AGENT_HELLO, sessionToken, nonce: 'a'.repeat(22), leases: [] });
  while (network.log.length === 0) await new Promise((resolve) => setImmediate(resolve));
  network.recording = false;
  const flight = network.log.filter(({ to }) => to === SERVER_PORT).map(({ datagram }) => datagram);
  const again = await resumed.control.next('AgentAck');
  t.equal(again.resumed, true);
  t.match(resumed.connection.stats(), { resumed: true, earlyData: true });
  await settled();
  t.same(first.listener.early, { accepted: 1, unfinished: 0, deferred: 0 });

  for (let i = 0; i < 100; i++) await replay(flight);
  t.ok(first.listener.early.accepted >= 2, 'the recording was read, as early data');
  t.equal(await replaysRefused(), first.listener.early.accepted - 1, 'refused each time, and counted');
  t.equal(resumed.closeInfo, null, 'the agent notices nothing');

  ticket = deferred();
  await first.coordinator.close();
  t.match(await resumed.closed, { code: ERRORS.GOING_AWAY.code });
  const second = await start(t, network, store);
  await replay(flight);
  t.equal(second.listener.early.accepted, 1, 'its ticket is still good: the key was kept');
  t.equal(await replaysRefused(), 1, 'but not what came with it');

  const back = connect();
  back.control.send({
    ...AGENT_HELLO,
    sessionToken: again.sessionToken,
    nonce: 'b'.repeat(22),
    leases: [],
  });
  t.match(await back.control.next('AgentAck'), { resumed: true });
  t.match(back.connection.stats(), { resumed: true, earlyData: true });
});
