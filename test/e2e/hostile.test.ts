import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ERRORS } from '../../src/protocol/errors.js';
import { encodeValue } from '../../src/protocol/value.js';
import { createQuicConnector } from '../../src/transport/index.js';
import { startSwarm, type Swarm } from '../support/cli.js';
import { CLIENT_HELLO, Speaker, type Line } from '../support/speaker.js';

const ECHO = { kind: 'compute', input: { function: 'echo', input: 1 } };

/** A peer that speaks QUIC correctly and says what it likes on its control stream. */
async function rogue(t: Test, swarm: Swarm) {
  const ca = await readFile(join(swarm.cwd, 'certs', 'ca.crt'), 'utf8');
  const connector = createQuicConnector({ tls: { ca } });
  t.teardown(() => connector.close());
  const speaker = new Speaker(connector.connect(swarm.address));
  await speaker.established;
  return speaker;
}

function frame(body: Uint8Array): Buffer {
  const framed = Buffer.alloc(4 + body.length);
  framed.writeUInt32BE(body.length);
  framed.set(body, 4);
  return framed;
}

const raw = (line: Line, bytes: Uint8Array) => void line.channel.stream.write(bytes);

t.test('whatever a peer says, those who work notice nothing', async (t) => {
  const swarm = await startSwarm(t, ['--max-message-size', '1MiB']);
  await swarm.agent('agent-1');
  const client = await swarm.client();

  await t.test('broken messages get named errors, the connection and all others go on', async (t) => {
    const { control: peer } = await rogue(t, swarm);
    peer.send(CLIENT_HELLO);
    await peer.next('ClientAck');
    const faults: readonly [string, Uint8Array, string][] = [
      ['not MessagePack', Buffer.from([0xc1, 0x00]), 'BAD_MESSAGEPACK'],
      ['a huge array', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), 'BAD_MESSAGEPACK'],
      ['an unknown type', encodeValue(['NoSuchMessage', {}]), 'UNKNOWN_MESSAGE_TYPE'],
      ['a missing field', encodeValue(['QueryStatus', {}]), 'BAD_FIELD'],
      ['a wrong type', encodeValue(['QueryStatus', { requestId: 'one' }]), 'BAD_FIELD'],
      [
        'a message of an agent',
        encodeValue(['TaskProgress', { taskId: 'x', epoch: 1, fraction: 0 }]),
        'UNEXPECTED_MESSAGE',
      ],
      [
        'a missing payload',
        encodeValue(['SubmitTask', { requestId: 1, kind: 'compute', watch: false }]),
        'MISSING_PAYLOAD',
      ],
    ];
    for (const [what, body, name] of faults) {
      raw(peer, frame(body));
      const report = await peer.next('ErrorReport');
      t.equal(report.name, name, what);
      t.equal(report.code, ERRORS[report.name as keyof typeof ERRORS].code);
    }
    peer.send({ type: 'SubmitTask', requestId: 9, kind: 'compute', watch: false }, Buffer.from([0xc1]));
    t.match(await peer.next('ErrorReport'), { name: 'BAD_INPUT', requestId: 9 });
    peer.send({ type: 'QueryTask', requestId: 10, taskId: 'nobody' });
    t.match(await peer.next('ErrorReport'), { name: 'UNKNOWN_TASK', requestId: 10 });
    raw(peer, frame(encodeValue(['QueryStatus', { requestId: 11, extra: 'ignored' }])));
    t.match(await peer.next('StatusReport'), { requestId: 11, agents: { worker: 1 } });
    t.match(await client.run(ECHO), { state: 'completed', result: 1 });
  });

  await t.test('lost framing closes the connection with a code, others notice nothing', async (t) => {
    const tooLong = await rogue(t, swarm);
    tooLong.control.send(CLIENT_HELLO);
    t.match(await tooLong.control.next('ClientAck'), { configuration: { maxMessageBytes: 1024 * 1024 } });
    raw(tooLong.control, Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]));
    t.match(await tooLong.closed, { by: 'peer', layer: 'application', code: ERRORS.FRAME_TOO_LARGE.code });

    const silent = await rogue(t, swarm);
    raw(silent.control, frame(encodeValue(['HeartbeatMessage', {}])));
    t.match(
      await silent.closed,
      { by: 'peer', layer: 'application' },
      'nothing but a handshake may come first',
    );

    const future = await rogue(t, swarm);
    future.control.send({ ...CLIENT_HELLO, protocolVersions: [77] });
    t.match(await future.closed, {
      by: 'peer',
      code: ERRORS.UNSUPPORTED_VERSION.code,
      reason: /77.*1|1.*77/,
    });
    await swarm.coordinator.line('connection refused', (line) => line['error'] === 'UNSUPPORTED_VERSION');

    t.match(await client.run(ECHO), { state: 'completed', result: 1 });
  });

  await t.test('a flood of noise at the port changes nothing for those who work', async (t) => {
    const socket = createSocket('udp4');
    t.teardown(() => void socket.close());
    const port = Number(swarm.address.split(':')[1]);
    const zeroRtt = Buffer.concat([
      Buffer.from('d000000001', 'hex'),
      Buffer.from([8]),
      randomBytes(8),
      Buffer.from([0]),
      randomBytes(1200),
    ]);
    for (let i = 0; i < 3000; i++) {
      const datagram = i % 3 === 0 ? zeroRtt : randomBytes(1 + ((i * 37) % 1400));
      await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
    }
    t.match(await client.run(ECHO), { state: 'completed', result: 1 });
    const { dropped } = await client.status();
    t.ok((dropped['unknown-connection'] ?? 0) > 0, 'and it is counted');
  });
});
