import type { Latency } from '../lib/statistics.js';
import { table } from '../lib/table.js';
import { targetTable, type Target } from '../lib/target.js';
import { ECHO_PEERS, type EchoPeer, type EchoResult, type Results } from './results.js';

/** The results as tables for a terminal. */
export function report(results: Results, targets: readonly Target[]): string {
  const { echo, stream, streams1000, connect, submit } = results;
  const parts: string[] = [];
  if (echo !== undefined) parts.push(echoTable(echo));
  if (stream !== undefined) {
    const row = (name: string, { quicGbps, tlsGbps, udpGbps }: typeof stream.auto) => [
      name,
      ...[quicGbps, tlsGbps, udpGbps].map((value) => value.toFixed(2)),
    ];
    parts.push(
      table([
        ['one stream, Gbit/s', 'quic', 'tls', 'udp one-way'],
        row('auto (UDP at 16 kB)', stream.auto),
        row('1350 B datagrams', stream.mtu1350),
      ]),
    );
  }
  if (streams1000 !== undefined) {
    const { messagesPerSecond, bothDirectionsPerSecond, errors } = streams1000;
    parts.push(
      table([
        ['ping-pong on 1000 streams', ''],
        ['answered messages/s', messagesPerSecond.toFixed(0)],
        ['messages/s, both directions', bothDirectionsPerSecond.toFixed(0)],
        ['errors', errors.toFixed(0)],
      ]),
    );
  }
  if (connect !== undefined) {
    const { rttMs, fullMs, fullRtts, resumedMs, resumedRtts } = connect;
    parts.push(
      table([
        ['connect to first reply', 'ms', 'round trips'],
        ['bare datagram', rttMs.toFixed(1), '1.00'],
        ['full', fullMs.toFixed(1), fullRtts.toFixed(2)],
        ['resumed with 0-RTT', resumedMs.toFixed(1), resumedRtts.toFixed(2)],
      ]),
    );
  }
  if (submit !== undefined) {
    parts.push(table([['one task at a time', 'p50 ms', 'p99 ms'], latencyRow('submit to result', submit)]));
  }
  parts.push(targetTable(targets));
  return parts.join('\n\n');
}

function echoTable(echo: EchoResult): string {
  const names: Record<EchoPeer, string> = {
    quic: 'quic',
    udp: 'udp (node:dgram)',
    tls: 'tls (node:tls)',
    ws: 'ws (over TLS)',
    grpc: `grpc (TLS, ${echo.grpcMode})`,
  };
  const other = echo.grpcMode === 'unary' ? 'bidi' : 'unary';
  return table([
    [echo.separateCores ? 'echo of 256 B, a core each' : 'echo of 256 B', 'p50 ms', 'p99 ms'],
    ...ECHO_PEERS.map((peer) => latencyRow(names[peer], echo[peer])),
    latencyRow(`grpc (TLS, ${other})`, other === 'unary' ? echo.grpcUnary : echo.grpcBidi),
    latencyRow('quic (busy polling off)', echo.quicAsleep),
  ]);
}

function latencyRow(name: string, { p50Ms, p99Ms }: Latency): readonly string[] {
  return [name, p50Ms.toFixed(3), p99Ms.toFixed(3)];
}
