import type { ConnectionFigures } from '../../observe/metrics/snapshot.js';
import type { ConnectionStats, TransportConnection } from '../../transport/transport.js';

/** Connections asked in one turn of the event loop: a scrape must not hold up what flows through them. */
const ASKED_AT_ONCE = 16;

const TOTALS = [
  'streamsOpened',
  'packetsSent',
  'packetsReceived',
  'packetsLost',
  'bytesSent',
  'bytesReceived',
  'bytesLost',
] as const;
type Asked = Pick<TransportConnection, 'state' | 'stats'>;
type Totals = Record<(typeof TOTALS)[number] | 'resumed' | 'earlyData', number>;

/** Adds up what the transport counts for each connection, those that have ended included. */
export class ConnectionMeter {
  readonly #ended = noTotals();

  /** To be told of each connection that has ended. */
  ended(connection: Asked): void {
    add(this.#ended, connection.stats());
  }

  /** Asks every connection, some in each turn. One that ends meanwhile may be missing once. */
  async figures(connections: Iterable<Asked>): Promise<ConnectionFigures> {
    const asked = [...connections];
    // of now: one that ends after it was asked counts once
    const totals = { ...this.#ended };
    const rttMs: number[] = [];
    const congestionWindowBytes: number[] = [];
    let open = 0;
    let streamsOpen = 0;
    for (const [index, connection] of asked.entries()) {
      if (index % ASKED_AT_ONCE === ASKED_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
      if (connection.state === 'closed') continue;
      const stats = connection.stats();
      add(totals, stats);
      open++;
      streamsOpen += stats.streamsOpen;
      rttMs.push(stats.rttMs);
      congestionWindowBytes.push(stats.congestionWindowBytes);
    }
    const rising = (one: number, other: number) => one - other;
    return {
      ...totals,
      open,
      streamsOpen,
      rttMs: rttMs.sort(rising),
      congestionWindowBytes: congestionWindowBytes.sort(rising),
    };
  }
}

function noTotals(): Totals {
  return {
    streamsOpened: 0,
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    bytesSent: 0,
    bytesReceived: 0,
    bytesLost: 0,
    resumed: 0,
    earlyData: 0,
  };
}

function add(totals: Totals, stats: ConnectionStats): void {
  for (const name of TOTALS) totals[name] += stats[name];
  if (stats.resumed) totals.resumed++;
  if (stats.earlyData) totals.earlyData++;
}
