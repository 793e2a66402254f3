import fc from 'fast-check';
import t from 'tap';
import { formatHostPort, hostPort, isDnsName, isLoopback } from '../../../src/commands/options/host-port.js';
import { commaSeparated } from '../../../src/commands/options/parser.js';

const listen = hostPort({ minPort: 0 });
const connect = hostPort({ minPort: 1 });

t.test('reads IPv4, IPv6 and names', async (t) => {
  t.same(listen('127.0.0.1:5000'), { host: '127.0.0.1', port: 5000 });
  t.same(listen('0.0.0.0:0'), { host: '0.0.0.0', port: 0 });
  t.same(listen('[::1]:65535'), { host: '::1', port: 65535 });
  t.same(listen('coordinator-1.example:80'), { host: 'coordinator-1.example', port: 80 });
});

t.test('refuses what is not HOST:PORT', async (t) => {
  const refused = [
    ...[
      '127.0.0.1:99999',
      '127.0.0.1:65536',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:-1',
      '127.0.0.1:5x',
      '5000',
      '',
    ],
    ...[
      '10.0.0.256:1',
      '10.0.0:1',
      '1.2.3.4.5:1',
      'a b:1',
      'a..b:1',
      '-a:1',
      'ho/st:1',
      '[127.0.0.1]:1',
      '[::g]:1',
      '[]:1',
    ],
    ...['udp://a:1', 'a:1:2', ' a:1', 'a:1 ', 'a:000001', `${'a'.repeat(64)}:1`],
  ];
  for (const text of refused)
    t.throws(() => listen(text), { message: /^is not HOST:PORT \(port 0 to 65535\)/ }, text);
});

t.test('says what to write instead', async (t) => {
  t.throws(() => listen('*:5000'), {
    message: 'names no host: for every interface write 0.0.0.0:5000 or [::]:5000',
  });
  t.throws(() => listen(':5000'), {
    message: 'names no host: for every interface write 0.0.0.0:5000 or [::]:5000',
  });
  t.throws(() => connect(':5000'), { message: 'names no host: write HOST:5000' });
  t.throws(() => listen('::1:5000'), { message: /an IPv6 address goes in brackets, \[::1\]:5000$/ });
});

t.test('one cannot connect to port 0', async (t) => {
  t.throws(() => connect('127.0.0.1:0'), { message: 'is not HOST:PORT (port 1 to 65535)' });
});

t.test('a list names the entry at fault', async (t) => {
  const parse = commaSeparated(connect);
  t.same(parse('a:1, [::1]:2'), [
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ]);
  t.throws(() => parse('a:1,b'), { message: "holds 'b', which is not HOST:PORT (port 1 to 65535)" });
  t.throws(() => parse('a:1,'), { message: "holds '', which is not HOST:PORT (port 1 to 65535)" });
  t.throws(() => parse('b'), { message: 'is not HOST:PORT (port 1 to 65535)' });
});

t.test('reads back what formatHostPort writes', async () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.nat({ max: 65535 }), (host, port) => {
      const read = listen(formatHostPort({ host, port }));
      return read.host === host && read.port === port;
    }),
  );
});

t.test('never throws anything but its own error', async () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        return listen(text).port <= 65535;
      } catch (error) {
        return error instanceof Error && error.name === 'ValueProblem';
      }
    }),
  );
});

t.test('loopback and DNS names', async (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST'])
    t.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example', '127.example'])
    t.notOk(isLoopback(host), host);
  t.ok(isDnsName('a_b.c-d.example'));
  t.notOk(isDnsName('a.1'), 'an all-numeric last label is a mistyped address');
  t.notOk(isDnsName(`${'a.'.repeat(127)}aa`), 'longer than 253');
});
