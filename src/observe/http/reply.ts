import type { ServerResponse } from 'node:http';

/** An answer of a route. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that is answered with its status and, as JSON, its name and message. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  /** `code`: stable, for programs; `message`: one sentence for people. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/**
 * Sent with every answer. Pages of this server run scripts and styles of its own only, no inline ones, talk to it alone,
 * and cannot be framed; what it serves is not for other sites.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export function json(value: unknown, status = 200): Reply {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

export function errorReply({ status, code, message, headers }: HttpError): Reply {
  return { ...json({ error: { name: code, message } }, status), headers };
}

/** Sets the headers that every answer has. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
}

/** Sends an answer; for HEAD without its body. */
export function send(response: ServerResponse, reply: Reply, withBody: boolean): void {
  const length = typeof reply.body === 'string' ? Buffer.byteLength(reply.body) : reply.body.byteLength;
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': length,
    ...reply.headers,
  });
  if (withBody) response.end(reply.body);
  else response.end();
}
