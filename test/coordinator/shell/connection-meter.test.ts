import t from 'tap';
import { ConnectionMeter } from '../../../src/coordinator/shell/connection-meter.js';
import type { ConnectionStats } from '../../../src/transport/transport.js';

const STATS: ConnectionStats = {
  rttMs: 1,
  congestionWindowBytes: 1,
  packetsSent: 1,
  packetsReceived: 1,
  packetsLost: 0,
  bytesSent: 1,
  bytesReceived: 1,
  bytesLost: 0,
  streamsOpen: 1,
  streamsOpened: 1,
  datagramSize: 1200,
  earlyData: false,
  resumed: false,
};

t.test('a connection that ends while others are asked is counted once', async (t) => {
  const connections = Array.from({ length: 100 }, () => ({
    state: 'established' as const,
    stats: () => STATS,
  }));
  const meter = new ConnectionMeter();
  const figures = meter.figures(connections);
  const [first, ...others] = connections;
  if (first !== undefined) meter.ended(first);
  t.equal((await figures).packetsSent, 100);
  t.equal((await meter.figures(others)).packetsSent, 100, 'and stays counted');
});
