import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isDnsName } from '../options/host-port.js';

/**
 * In every server certificate that is made here, beside the names of the machine: a client that reaches the coordinator
 * by an address of which the certificate does not know may ask for this one.
 */
export const COORDINATOR_NAME = 'swarm-coordinator';

/** Names of a server certificate: this machine's, and `more` (DNS names, IP addresses). Without duplicates. */
export function serverNames(more: readonly string[]): string[] {
  const host = hostname().toLowerCase();
  const own = ['localhost', COORDINATOR_NAME, ...(isDnsName(host) ? [host] : []), '127.0.0.1', '::1'];
  return [...new Set([...own, ...more.map(canonicalName)])];
}

/** A name in the form in which names are compared: lower case, and `::1` for `0:0:0:0:0:0:0:1` (RFC 5952). */
export function canonicalName(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name.toLowerCase();
}
