import { accessOptions } from './access-options.js';
import { serverCertificateOptions } from './certificate-options.js';
import { choice } from './choice.js';
import { daemonOptions } from './daemon-options.js';
import { duration } from './duration.js';
import { hostPort, isLoopback } from './host-port.js';
import { httpAddress, httpHosts } from './http-options.js';
import { integer } from './integer.js';
import { loggingOptions } from './logging-options.js';
import { kindBound } from './kind-limit.js';
import { size } from './size.js';
import { storeOptions } from './store-options.js';
import { decidedFlag, list, optional, type OptionTable, value, type Values } from './spec.js';
import { path } from './text.js';

const timer = duration({ min: 10, max: 24 * 3_600_000 });

export const coordinatorOptions = {
  listen: value({
    placeholder: 'HOST:PORT',
    parse: hostPort({ minPort: 0 }),
    default: '127.0.0.1:5000',
    help: 'UDP address; port 0 picks one, and the ready line says which',
  }),
  ...storeOptions,
  http: httpAddress({ help: 'metrics, health, dashboard; port 0 picks one, and the ready line says which' }),
  httpHost: httpHosts,
  httpTokenFile: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'file with a secret that allows changes over HTTP (default: read-only)',
  }),
  ...serverCertificateOptions,
  requireClientCert: decidedFlag({
    help: 'mutual TLS: every agent and client needs a certificate of --ca',
    defaultText: 'off on loopback, on elsewhere unless --join-token-file is given',
  }),
  joinTokenFile: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'file with a shared secret that agents and clients must present',
  }),
  ...accessOptions,
  heartbeatInterval: value({
    placeholder: 'DURATION',
    parse: timer,
    default: '10s',
    help: 'agents send a heartbeat this often',
  }),
  idleTimeout: value({
    placeholder: 'DURATION',
    parse: timer,
    default: '300s',
    help: 'a connection without a packet for this long is closed',
  }),
  keepAlive: value({
    placeholder: 'DURATION',
    parse: timer,
    default: '10s',
    help: 'a quiet connection is kept open with a packet this often',
  }),
  taskTimeout: value({
    placeholder: 'DURATION',
    parse: duration({ min: 1 }),
    default: '300s',
    help: 'one attempt of a task may run this long, unless its submit says otherwise',
  }),
  sessionGrace: value({
    placeholder: 'DURATION',
    parse: duration({ max: 24 * 3_600_000 }),
    default: '60s',
    help: 'an agent that vanished keeps its tasks this long',
  }),
  drainTimeout: daemonOptions.drainTimeout,
  maxStreams: value({
    placeholder: 'N',
    parse: integer(1, 1_000_000),
    numeric: true,
    default: '1000',
    help: 'streams at once on one connection',
  }),
  maxMessageSize: value({
    placeholder: 'SIZE',
    parse: size({ min: 1024, max: 1024 ** 3 }),
    numeric: true,
    default: '64MiB',
    help: 'longest message accepted',
  }),
  maxAgents: value({
    placeholder: 'N',
    parse: integer(1, 1_000_000),
    numeric: true,
    default: '10000',
    help: 'agents at once',
  }),
  maxQueue: value({
    placeholder: 'N',
    parse: integer(1, 100_000_000),
    numeric: true,
    default: '1000000',
    help: 'tasks waiting at once; more are refused',
  }),
  admitRate: value({
    placeholder: 'N',
    parse: integer(1, 1_000_000),
    numeric: true,
    default: '500',
    help: 'agents admitted in a second, after a burst of twice as many; others are told when to come back',
  }),
  kindLimit: list({
    placeholder: 'KIND=N|N/s',
    parse: kindBound,
    help: 'tasks of a kind at once, or started in a second, such as compute=8 or compute=100/s; may be repeated',
  }),
  routing: value({
    placeholder: 'learned|least-loaded',
    parse: choice(['learned', 'least-loaded']),
    default: 'least-loaded',
    help: 'who gets a task: the least loaded agent, or the one that was worth most so far at its kind',
  }),
  routingSeed: value({
    placeholder: 'N',
    parse: integer(0, 2 ** 32 - 1),
    numeric: true,
    default: '1',
    help: 'of the choices that learning makes by chance: the same seed and events, the same choices',
  }),
  udpPayload: daemonOptions.udpPayload,
  busyPoll: daemonOptions.busyPoll,
  congestion: value({
    placeholder: 'cubic|bbr|reno',
    parse: choice(['cubic', 'bbr', 'reno']),
    default: 'cubic',
    help: 'congestion control',
  }),
  ...loggingOptions,
} as const satisfies OptionTable;

export type CoordinatorOptions = Values<typeof coordinatorOptions>;

/** Whether clients must show a certificate: as asked, else on every address that others can reach without a token. */
export function requiresClientCertificate(
  options: Pick<CoordinatorOptions, 'requireClientCert' | 'listen' | 'joinTokenFile' | 'tokenFile'>,
): boolean {
  return (
    options.requireClientCert ??
    (!isLoopback(options.listen.host) && options.joinTokenFile === null && options.tokenFile.length === 0)
  );
}
