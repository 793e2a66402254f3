import { isIP } from 'node:net';

/**
 * Whether a request names this server in its Host header. A page of another site that has its name point here (DNS
 * rebinding) names that site: it gets nothing. Accepted are the names of the machine's loopback, the address that the
 * request came in on, the address that was bound, and names given by the operator; with any port.
 */
export class HostCheck {
  readonly #names: ReadonlySet<string>;

  /** `names`: without port, IPv6 without brackets; upper and lower case are the same. */
  constructor(names: readonly string[]) {
    this.#names = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  }

  /** `localAddress`: that of the connection. */
  accepts(header: string | undefined, localAddress: string | undefined): boolean {
    const host = header === undefined ? null : hostOf(header);
    if (host === null) return false;
    if (this.#names.has(host)) return true;
    if (isIP(host) === 0) return false;
    return host === '::1' || host.startsWith('127.') || host === plainAddress(localAddress);
  }
}

/** The host of a Host header (RFC 9110 §7.2) in lower case, without port and brackets; null when it is malformed. */
function hostOf(header: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header);
  if (match === null) return null;
  const [, ipv6, name] = match;
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? ipv6.toLowerCase() : null;
  // a name may end in a dot: the root
  return name?.toLowerCase().replace(/\.$/, '') ?? null;
}

/** An IPv4 address as a socket of both families shows it, ::ffff:10.0.0.1, is 10.0.0.1. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
}
