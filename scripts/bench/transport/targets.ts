import { target, type Target } from '../lib/target.js';
import type { Results } from './results.js';

/** The targets of the sections that were measured. */
export function judge(results: Results): readonly Target[] {
  const { echo, stream, streams1000, connect, submit } = results;
  return [
    ...(echo === undefined
      ? []
      : [
          target('echo p99, ms', echo.quic.p99Ms, 'below', 1),
          target("echo p99 against grpc's, ms", echo.quic.p99Ms, 'at most', echo.grpc.p99Ms),
          target('echo p50 / raw UDP', echo.quic.p50Ms / echo.udp.p50Ms, 'at most', 2),
        ]),
    ...(stream === undefined
      ? []
      : [
          target('one stream, auto / TLS', stream.auto.quicGbps / stream.auto.tlsGbps, 'at least', 1),
          target(
            'one stream, 1350 B / raw UDP',
            stream.mtu1350.quicGbps / stream.mtu1350.udpGbps,
            'at least',
            0.35,
          ),
        ]),
    ...(streams1000 === undefined
      ? []
      : [
          target('1000 streams, messages/s', streams1000.messagesPerSecond, 'at least', 35_000),
          target('1000 streams, errors', streams1000.errors, 'at most', 0),
        ]),
    ...(connect === undefined
      ? []
      : [
          // One and two round trips, and a fifth for noise.
          target('resumed connect, round trips', connect.resumedRtts, 'at most', 1.2),
          target('full connect, round trips', connect.fullRtts, 'at most', 2.4),
        ]),
    ...(submit === undefined
      ? []
      : [
          target('submit to result p50, ms', submit.p50Ms, 'below', 1),
          target('submit to result p99, ms', submit.p99Ms, 'below', 3),
        ]),
  ];
}
