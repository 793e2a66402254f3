import { isIPv4, isIPv6 } from 'node:net';
import { type Parser, ValueProblem } from './parser.js';

export interface HostPort {
  /** IPv4 address, IPv6 address without brackets, or DNS name. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

export interface HostPortRange {
  /** 0 for an address to listen on (0 lets the system pick), 1 for one to connect to. */
  readonly minPort: 0 | 1;
}

/** Parser of `HOST:PORT`: `127.0.0.1:5000`, `coordinator.example:5000`, `[::1]:5000`. */
export function hostPort({ minPort }: HostPortRange): Parser<HostPort> {
  const form = `is not HOST:PORT (port ${minPort} to 65535)`;
  return (text) => {
    const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
    if (match === null) {
      throw new ValueProblem(
        isIPv6(text.replace(/:\d+$/, '')) ? `${form}: an IPv6 address goes in brackets, [::1]:5000` : form,
      );
    }
    const [, ipv6, name, digits] = match;
    const port = Number(digits);
    if (port < minPort || port > 65535) throw new ValueProblem(form);
    if (ipv6 !== undefined) {
      if (!isIPv6(ipv6)) throw new ValueProblem(`${form}: there is no IPv6 address in the brackets`);
      return { host: ipv6, port };
    }
    const host = name ?? '';
    if (host === '' || host === '*') {
      throw new ValueProblem(
        minPort === 0
          ? `names no host: for every interface write 0.0.0.0:${port} or [::]:${port}`
          : `names no host: write HOST:${port}`,
      );
    }
    if (!isIPv4(host) && !isDnsName(host)) throw new ValueProblem(form);
    return { host, port };
  };
}

/** `HOST:PORT`, IPv6 in brackets: what `hostPort()` reads back. */
export function formatHostPort({ host, port }: HostPort): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Whether `text` is a DNS name (RFC 1123 §2.1, underscores allowed). A name whose last label is a number is none: it
 * is a mistyped IPv4 address, such as `10.0.0.256`.
 */
export function isDnsName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  return (
    labels.every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '')
  );
}

/** Whether only this machine can reach `host`: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith('127.')) || host === '::1' || host.toLowerCase() === 'localhost';
}
