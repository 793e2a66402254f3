import type { NativeConnection } from './native.js';
import type { ConnectionStats } from './transport.js';

/** The native side's counters, and what only the driver knows. */
export function connectionStats(
  native: NativeConnection,
  own: Pick<ConnectionStats, 'streamsOpen' | 'streamsOpened' | 'datagramSize' | 'earlyData'>,
): ConnectionStats {
  const totals = native.stats();
  const path = native.activePath();
  return {
    rttMs: path?.rtt ?? 0,
    congestionWindowBytes: path?.cwnd ?? 0,
    packetsSent: totals.sent,
    packetsReceived: totals.recv,
    packetsLost: totals.lost,
    bytesSent: totals.sentBytes,
    bytesReceived: totals.recvBytes,
    bytesLost: totals.lostBytes,
    resumed: native.isResumed(),
    ...own,
  };
}
