import t from 'tap';
import { parseOptions, SECTIONS, SHORT } from '../../../scripts/bench/transport/options.js';
import type { Results } from '../../../scripts/bench/transport/results.js';
import { judge } from '../../../scripts/bench/transport/targets.js';

const both = (p50Ms: number, p99Ms: number) => ({ p50Ms, p99Ms });

const good: Required<Results> = {
  echo: {
    quic: both(0.15, 0.3),
    udp: both(0.1, 0.2),
    tls: both(0.1, 0.2),
    ws: both(0.1, 0.2),
    grpc: both(0.2, 0.6),
    grpcMode: 'bidi',
    separateCores: true,
    grpcBidi: both(0.2, 0.6),
    grpcUnary: both(0.4, 0.9),
    quicAsleep: both(0.15, 0.3),
  },
  stream: {
    auto: { quicGbps: 5, tlsGbps: 4, udpGbps: 19 },
    mtu1350: { quicGbps: 1, tlsGbps: 4, udpGbps: 2 },
  },
  streams1000: { messagesPerSecond: 40_000, bothDirectionsPerSecond: 80_000, errors: 0 },
  connect: { rttMs: 40, fullMs: 84, resumedMs: 42, fullRtts: 2.1, resumedRtts: 1.05 },
  submit: both(0.8, 2),
};

const missed = (results: Results) =>
  judge(results)
    .filter(({ met }) => !met)
    .map(({ name }) => name);

void t.test('good figures meet every target', (t) => {
  t.same(missed(good), []);
  t.equal(judge(good).length, 11);
  t.end();
});

void t.test('a section that was left out has no targets', (t) => {
  t.same(judge({}), []);
  t.same(
    judge({ submit: good.submit }).map(({ name }) => name),
    ['submit to result p50, ms', 'submit to result p99, ms'],
  );
  t.end();
});

void t.test('each target can be missed', (t) => {
  const { echo, stream, streams1000, connect } = good;
  const cases: [Results, string[]][] = [
    [{ echo: { ...echo, quic: both(0.15, 1) } }, ['echo p99, ms', "echo p99 against grpc's, ms"]],
    [{ echo: { ...echo, quic: both(0.21, 0.3) } }, ['echo p50 / raw UDP']],
    [{ stream: { ...stream, auto: { quicGbps: 3.9, tlsGbps: 4, udpGbps: 19 } } }, ['one stream, auto / TLS']],
    [
      { stream: { ...stream, mtu1350: { quicGbps: 0.69, tlsGbps: 4, udpGbps: 2 } } },
      ['one stream, 1350 B / raw UDP'],
    ],
    [{ streams1000: { ...streams1000, messagesPerSecond: 34_999 } }, ['1000 streams, messages/s']],
    [{ streams1000: { ...streams1000, errors: 1 } }, ['1000 streams, errors']],
    [{ connect: { ...connect, resumedRtts: 1.21 } }, ['resumed connect, round trips']],
    [{ connect: { ...connect, fullRtts: 3 } }, ['full connect, round trips']],
    [{ submit: both(1, 2) }, ['submit to result p50, ms']],
    [{ submit: both(0.5, 3) }, ['submit to result p99, ms']],
  ];
  for (const [results, names] of cases) t.same(missed(results), names);
  t.end();
});

void t.test('options', (t) => {
  t.same(parseOptions([]).only, SECTIONS);
  t.match(parseOptions(['--json', '--short', '--check']), { json: true, check: true, plan: SHORT });
  t.same(parseOptions(['--only', 'connect,echo']).only, ['connect', 'echo']);
  t.same(parseOptions(['--only=stream']).only, ['stream']);
  t.throws(() => parseOptions(['--only', 'echo,telepathy']), {
    message: /--only: 'telepathy' is not one of echo, /,
  });
  t.throws(() => parseOptions(['--only']), { message: /--only: '' is not one of/ });
  t.throws(() => parseOptions(['--fast']), { message: /--fast: no such option/ });
  t.end();
});
