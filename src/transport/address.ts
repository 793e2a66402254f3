import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** An IP address or host name, and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT` or `[IPv6]:PORT`; null when it is neither. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  if (port > 65535 || host === '') return null;
  if (match[1] !== undefined && isIP(match[1]) !== 6) return null;
  return { host, port };
}

/** An IP address of a host, IPv4 before IPv6. Names are looked up once for each connection; rejects as `dns.lookup` does. */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  const found = await lookup(host, { all: true });
  return (found.find(({ family }) => family === 4) ?? found[0])?.address ?? host;
}
