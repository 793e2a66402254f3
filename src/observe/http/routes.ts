import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, type Reply } from './reply.js';

export interface HttpRequest {
  readonly query: URLSearchParams;
  /** The raw `Authorization` header, or null. */
  readonly authorization: string | null;
  /** Aborted when whoever asked is gone, or the server closes. */
  readonly signal: AbortSignal;
}

/** One path and method. GET serves HEAD as well. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Compared as a whole. */
  readonly path: string;
  /** Names of the query parameters it takes, each at most once; others are refused. */
  readonly query?: readonly string[];
  /** Answers, or rejects with an HttpError or ProtocolError. */
  handle?(request: HttpRequest): Reply | Promise<Reply>;
  /** Instead of `handle`: takes the response over and writes to it as long as it likes. Headers of all answers are set. */
  stream?(request: HttpRequest, message: IncomingMessage, response: ServerResponse): void;
}

export type Routes = ReadonlyMap<string, ReadonlyMap<string, Route>>;

/** Routes by path and method. Throws when two have the same. */
export function routeTable(routes: readonly Route[]): Routes {
  const table = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const methods = table.get(route.path) ?? new Map<string, Route>();
    for (const method of route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]) {
      if (methods.has(method)) throw new Error(`two routes for ${method} ${route.path}`);
      methods.set(method, route);
    }
    table.set(route.path, methods);
  }
  return table;
}

/** The route of a request. Throws HttpError 404 or 405. */
export function findRoute(table: Routes, method: string, path: string): Route {
  const methods = table.get(path);
  if (methods === undefined) throw new HttpError(404, 'NOT_FOUND', 'there is nothing at this path');
  const route = methods.get(method);
  if (route !== undefined) return route;
  const allow = [...methods.keys()].join(', ');
  throw new HttpError(405, 'METHOD_NOT_ALLOWED', `this path takes ${allow}`, { allow });
}

/** Throws HttpError 400 for a parameter that the route does not know or that comes twice. */
export function checkQuery({ query: known = [] }: Route, query: URLSearchParams): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const text = known.length === 0 ? 'this path takes no query' : `the query may hold ${known.join(', ')}`;
      throw new HttpError(400, 'BAD_QUERY', `unknown query parameter: ${text}`);
    }
    if (seen.has(name)) throw new HttpError(400, 'BAD_QUERY', `query parameter '${name}' is given twice`);
    seen.add(name);
  }
}
