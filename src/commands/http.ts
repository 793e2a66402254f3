import type { Logger } from 'pino';
import type { Route } from '../observe/http/routes.js';
import { startHttpServer, type HttpServer } from '../observe/http/server.js';
import { UsageError } from './exit.js';
import { whyNotBound } from './listen-problem.js';
import { formatHostPort } from './options/host-port.js';
import type { HttpAddress } from './options/http-options.js';

/**
 * Serves the routes at an address of the options; null without one. When nobody chose the address and another process
 * has it, this one goes on without: several daemons run on one machine.
 * @throws UsageError when a chosen address cannot be bound
 */
export async function serveHttp(
  address: HttpAddress | null,
  options: { readonly hostNames: readonly string[]; readonly routes: readonly Route[]; readonly log: Logger },
): Promise<HttpServer | null> {
  if (address === null) return null;
  const { host, port, chosen } = address;
  try {
    return await startHttpServer({ host, port, ...options });
  } catch (error) {
    const why = whyNotBound(error);
    if (why === null) throw error;
    const text = `--http: ${formatHostPort(address)}: ${why}`;
    if (chosen) throw new UsageError(text, { cause: error });
    options.log.warn(
      { http: formatHostPort(address) },
      `${text}; going on without HTTP (--no-http: without trying)`,
    );
    return null;
  }
}
