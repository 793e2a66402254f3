import type { Logger } from 'pino';
import { resolveHost } from '../transport/address.js';
import { ListenError, listenQuic, type QuicListener } from '../transport/index.js';
import type { CoordinatorFiles } from './coordinator-files.js';
import { UsageError } from './exit.js';
import { explainHandshakeFailure, rateLimited } from './handshake-words.js';
import { whyNotBound } from './listen-problem.js';
import type { CoordinatorOptions } from './options/coordinator-options.js';
import { formatHostPort } from './options/host-port.js';

/** Clients beside the agents: connections are capped at `--max-agents` and this. */
const CLIENT_CONNECTIONS = 1000;
/** Lines a second about failed handshakes; a flood of strangers must not fill the log. */
const HANDSHAKE_LINES_PER_SECOND = 10;
const TOO_MANY_HANDSHAKES =
  'new connections are dropped: more come from an address than --handshake-rate allows';

/**
 * Listens where the options say. `failures.count` goes up with each handshake that fails.
 * @throws UsageError when the address cannot be bound
 */
export async function listen(
  options: CoordinatorOptions,
  { identity, clientAuthorities }: CoordinatorFiles,
  log: Logger,
  failures: { count: number },
): Promise<QuicListener> {
  const { host, port } = options.listen;
  const failure = rateLimited(HANDSHAKE_LINES_PER_SECOND, () => performance.now());
  const dropped = rateLimited(1, () => performance.now());
  try {
    return await listenQuic({
      host: await resolveHost(host),
      port,
      tls: {
        key: identity.key,
        cert: identity.cert,
        earlyData: true,
        ...(clientAuthorities === null ? {} : { ca: clientAuthorities, requireClientCert: true }),
      },
      udpPayload: options.udpPayload,
      congestion: options.congestion,
      busyPoll: options.busyPoll === 'on',
      maxStreams: options.maxStreams,
      idleTimeoutMs: options.idleTimeout,
      keepAliveMs: options.keepAlive,
      maxConnections: options.maxAgents + CLIENT_CONNECTIONS,
      ...(options.handshakeRate === null ? {} : { handshakeRate: options.handshakeRate }),
      onHandshakeDropped: (address) =>
        dropped((swallowed) => log.warn({ address, count: swallowed + 1 }, TOO_MANY_HANDSHAKES)),
      onHandshakeFailed: (address, info) => {
        failures.count++;
        failure((swallowed) =>
          log.warn(
            {
              address,
              reason: explainHandshakeFailure(info),
              count: swallowed + 1,
            },
            'handshake failed',
          ),
        );
      },
      onHandlerError: (connection, err) =>
        log.error({ address: connection.remoteAddress, err }, 'internal error: the connection is closed'),
    });
  } catch (error) {
    throw listenProblem(error, formatHostPort(options.listen));
  }
}

function listenProblem(error: unknown, address: string): unknown {
  const why = whyNotBound(error);
  if (why !== null) return new UsageError(`--listen: ${address}: ${why}`, { cause: error });
  if (error instanceof ListenError)
    return new UsageError(`--listen: ${address}: ${error.message}`, { cause: error });
  return error;
}
