import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.js';
import { ProtocolError } from '../../protocol/errors.js';
import { HostCheck } from './host-check.js';
import { checkQuery, findRoute, routeTable, type Route, type Routes } from './routes.js';
import { errorReply, HttpError, send, setSecurityHeaders } from './reply.js';
import { errorOfCoordinator } from './coordinator-errors.js';
import { Turns } from './turns.js';

export interface HttpServerOptions {
  /** IP address or name to bind. */
  readonly host: string;
  /** 0 picks one. */
  readonly port: number;
  /** Further names that requests may address this server by (Host header), without port. */
  readonly hostNames?: readonly string[];
  readonly routes: readonly Route[];
  readonly log: Log;
  /** Connections on which nothing moves for so long are ended, as of readers that do not read. Default 60 s. */
  readonly stalledMs?: number;
}

export interface HttpServer {
  /** `HOST:PORT` actually bound. */
  readonly address: string;
  /** Ends every request and stream, and frees the port. */
  close(): Promise<void>;
}

/** A request line and headers longer than this are refused (431). */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_PATH_CHARACTERS = 2_048;
const MAX_BODY_BYTES = 4 * 1024;
const MAX_CONNECTIONS = 256;
const REQUEST_TIMEOUT_MS = 10_000;
/** An answer of which nothing is taken for so long is given up. Streams send a sign of life four times as often. */
const STALLED_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_REQUESTS_PER_CONNECTION = 10_000;

/** Serves the routes over HTTP/1.1. Rejects with the system's error when the address cannot be bound. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const serving = new Serving(options);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
    },
    (request, response) => void serving.serve(request, response),
  );
  server.timeout = options.stalledMs ?? STALLED_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  await bind(server, options);
  server.on('error', (err) => options.log.warn({ err }, 'the HTTP server failed'));
  return {
    address: addressOf(server),
    close: async () => {
      serving.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

class Serving {
  readonly #routes: Routes;
  readonly #hosts: HostCheck;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #stopped = new AbortController();

  constructor({ host, hostNames = [], routes, log }: HttpServerOptions) {
    // every request under way listens
    setMaxListeners(0, this.#stopped.signal);
    this.#routes = routeTable(routes);
    this.#hosts = new HostCheck([host, ...hostNames]);
    this.#log = log;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    // whoever is gone does not hear our answer; that is no fault of this server
    response.on('error', () => undefined);
    message.on('error', () => undefined);
    if (!(await this.#turns.wait(message.socket, response))) return;
    const gone = new AbortController();
    const abort = () => gone.abort();
    this.#stopped.signal.addEventListener('abort', abort, { once: true });
    response.once('close', () => {
      this.#stopped.signal.removeEventListener('abort', abort);
      gone.abort();
    });
    setSecurityHeaders(response);
    const withBody = message.method !== 'HEAD';
    try {
      await this.#answer(message, response, gone.signal);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else send(response, errorReply(this.#explain(error, message)), withBody);
    }
  }

  async #answer(message: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { authority, path, query } = parseTarget(message.url ?? '');
    if (!this.#hosts.accepts(authority ?? message.headers.host, message.socket.localAddress)) {
      const what = authority === null ? 'Host header' : 'request target';
      const text = `the ${what} does not name this server (--http-host NAME allows a name)`;
      throw new HttpError(421, 'WRONG_HOST', text);
    }
    const route = findRoute(this.#routes, message.method ?? '', path);
    checkQuery(route, query);
    await discardBody(message, response);
    const request = { query, authorization: message.headers.authorization ?? null, signal };
    if (route.stream !== undefined) {
      route.stream(request, message, response);
      return;
    }
    const reply = await route.handle?.(request);
    if (reply === undefined) throw new Error(`no answer for ${route.path}`);
    send(response, reply, message.method !== 'HEAD');
  }

  #explain(error: unknown, { url }: IncomingMessage): HttpError {
    if (error instanceof HttpError) return error;
    if (error instanceof ProtocolError) return errorOfCoordinator(error);
    this.#log.error({ err: error, path: url?.split('?')[0] }, 'an HTTP request failed');
    return new HttpError(500, 'INTERNAL_ERROR', 'the server failed; its log says why');
  }
}

interface Target {
  /** Of a target in absolute form, which stands for the Host header (RFC 9112 §3.2.2); else null. */
  readonly authority: string | null;
  readonly path: string;
  readonly query: URLSearchParams;
}

function parseTarget(target: string): Target {
  if (target.length > MAX_PATH_CHARACTERS) {
    throw new HttpError(414, 'URI_TOO_LONG', `a path may have ${MAX_PATH_CHARACTERS} characters`);
  }
  const [, authority = null, path = '', query = ''] =
    /^(?:http:\/\/([^/?]*))?(\/[^?]*)?(?:\?(.*))?$/is.exec(target) ?? [];
  if (authority === null && path === '')
    throw new HttpError(400, 'BAD_TARGET', 'the request target is neither a path nor an http URL');
  try {
    // URLSearchParams would take a broken escape as text
    decodeURIComponent(query);
  } catch {
    throw new HttpError(400, 'BAD_QUERY', 'the query holds a broken %-escape');
  }
  return { authority, path: path === '' ? '/' : path, query: new URLSearchParams(query) };
}

/** No route reads a body: a short one is skipped, a long one refused. */
async function discardBody(message: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) continue;
    response.setHeader('connection', 'close');
    throw new HttpError(413, 'BODY_TOO_LARGE', `a body may have ${MAX_BODY_BYTES} bytes`);
  }
}

function bind(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addressOf(server: Server): string {
  const address = server.address() as AddressInfo;
  return address.family === 'IPv6'
    ? `[${address.address}]:${String(address.port)}`
    : `${address.address}:${String(address.port)}`;
}
