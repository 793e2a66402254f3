import { Client, type ClientOptions } from '../client/client.js';
import { CoordinatorUnreachable, Refused, TaskRejected } from '../client/errors.js';
import { createLogger } from '../observe/logger.js';
import { createQuicConnector } from '../transport/index.js';
import { VERSION } from '../version.js';
import { resolveTrust, type Trust } from './certificates/trust.js';
import { CommandError, RefusedError, UnreachableError, UsageError } from './exit.js';
import { oneLine } from './one-line.js';
import type { ConnectOptions } from './options/connect-options.js';
import { formatHostPort } from './options/host-port.js';
import type { LoggingOptions } from './options/logging-options.js';
import type { TrustOptions } from './options/trust-options.js';

/** Name and version that this program gives of itself. */
export const SOFTWARE = `quic-swarm ${VERSION}`;

/**
 * Runs an operator command with a client that is connected to a coordinator, and lets go of all of it afterwards.
 * @throws UnreachableError, RefusedError, UsageError: what the client throws, as ends of a command
 */
export async function withClient<T>(
  options: ConnectOptions & TrustOptions & LoggingOptions,
  use: (client: Client) => Promise<T>,
  clientOptions: Pick<ClientOptions, 'reattachTimeoutMs'> = {},
): Promise<T> {
  const log = await createLogger({
    name: 'swarm',
    level: quieter(options.logLevel),
    format: options.logFormat,
  });
  const trust = resolveTrust(options, { now: new Date() });
  for (const warning of trust.warnings) process.stderr.write(`warning: ${warning}\n`);
  const connector = createQuicConnector({ tls: trust.tls });
  try {
    const client = await Client.connect({
      addresses: options.connect.map(formatHostPort),
      connector: (address) => connector.connect(address),
      clientId: `cli-${String(process.pid)}`,
      software: SOFTWARE,
      ownKeys: true,
      log,
      ...clientOptions,
      ...(trust.joinToken === null ? {} : { joinToken: trust.joinToken }),
    });
    try {
      return await use(client);
    } finally {
      client.close();
    }
  } catch (error) {
    throw asCommandError(error, trust);
  } finally {
    await connector.close();
  }
}

/**
 * What `ask` brings, and the time by the coordinator's clock after it: by that the ages in a table are told. JSON has no
 * ages, so with `--json` the coordinator is not asked for it, and it is NaN.
 */
export function withTime<T>(
  options: Parameters<typeof withClient>[0] & { readonly json: boolean },
  ask: (client: Client) => Promise<T>,
): Promise<readonly [T, number]> {
  return withClient(options, async (client) => {
    const answer = await ask(client);
    if (options.json) return [answer, NaN] as const;
    const { now = Date.now() } = await client.status();
    return [answer, now] as const;
  });
}

/** Operator commands print results and errors; what the library logs on the way is for `--log-level debug`. */
function quieter(level: LoggingOptions['logLevel']): LoggingOptions['logLevel'] {
  return level === 'info' ? 'warn' : level;
}

/** Errors of the client as ends of a command; anything else is passed on. */
export function asCommandError(error: unknown, trust: Pick<Trust, 'caSource'> | null = null): unknown {
  if (error instanceof CommandError) return error;
  if (error instanceof CoordinatorUnreachable)
    return new UnreachableError(oneLine(error.message), { cause: error });
  if (error instanceof Refused) {
    const source =
      error.reasonName === 'TLS_UNKNOWN_CA' && trust?.caSource ? ` (trusted: ${trust.caSource})` : '';
    const message = oneLine(`${error.message}${source}`);
    return error.permanent ? new RefusedError(message, { cause: error }) : refusalFor(message, error);
  }
  if (error instanceof TaskRejected) {
    const message = oneLine(`refused (${error.reasonName}): ${error.message}`);
    return BAD_REQUESTS.has(error.reasonName)
      ? new UsageError(message, { cause: error })
      : new RefusedError(message, { cause: error });
  }
  return error;
}

/** Faults of the request itself: the user mends the input (exit status 2), not the coordinator. */
const BAD_REQUESTS = new Set([
  'BAD_INPUT',
  'UNKNOWN_KIND',
  'UNKNOWN_TASK',
  'UNKNOWN_AGENT',
  'UNKNOWN_SCHEDULE',
  'SCHEDULE_EXISTS',
  'TASK_FINISHED',
  'TASK_NOT_RETRYABLE',
  'NO_FORECAST',
  'OUTCOME_KNOWN',
  'BAD_FIELD',
  'BAD_MESSAGEPACK',
  'PAYLOAD_TOO_LARGE',
]);

/** A coordinator that answers but cannot take us now has refused by a limit, or is about to be gone. */
function refusalFor(message: string, cause: Refused): CommandError {
  return cause.reasonName === 'GOING_AWAY' || cause.reasonName.startsWith('TRANSPORT_')
    ? new UnreachableError(message, { cause })
    : new RefusedError(message, { cause });
}
