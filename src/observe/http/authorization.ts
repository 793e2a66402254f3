import { createHash, timingSafeEqual } from 'node:crypto';
import { HttpError } from './reply.js';

/**
 * Lets a request through that may change something: one with `Authorization: Bearer TOKEN`. Without a token of its own
 * the server is read-only. Throws HttpError 403 or 401.
 */
export function authorize(header: string | null, token: string | null): void {
  if (token === null) {
    const text = 'read-only: start the coordinator with --http-token-file FILE to allow changes';
    throw new HttpError(403, 'READ_ONLY', text);
  }
  const presented = /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1];
  if (presented !== undefined && timingSafeEqual(digest(presented), digest(token))) return;
  const problem = presented === undefined ? 'missing' : 'wrong';
  throw new HttpError(401, 'UNAUTHORIZED', `the bearer token is ${problem}`, {
    'www-authenticate': 'Bearer realm="quic-swarm"',
  });
}

/** Digests have one length, which a comparison in constant time needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
