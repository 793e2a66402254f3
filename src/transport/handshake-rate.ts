import { KeyedRate } from '../numeric/keyed-rate.js';

/**
 * How many new connections one network may begin in a second. Anybody can send in the name of others, so those whose
 * address is proven have a rate of their own: a forger cannot use it up.
 */
export class HandshakeRate {
  readonly #claimed: KeyedRate;
  readonly #proven: KeyedRate;

  /** `perSecond`: positive; for each of the two. */
  constructor(perSecond: number) {
    this.#claimed = new KeyedRate(perSecond);
    this.#proven = new KeyedRate(perSecond);
  }

  /** `proven`: the peer has shown that it receives what is sent to this IP address. */
  admits(host: string, proven: boolean, now: number): boolean {
    return (proven ? this.#proven : this.#claimed).take(networkOf(host), now) === null;
  }
}

/** What one owner has at least: an IPv4 address (also as `::ffff:1.2.3.4`), or the /64 network of an IPv6 address. */
export function networkOf(host: string): string {
  if (host.includes('.')) return host.slice(host.lastIndexOf(':') + 1);
  const [head = '', tail = ''] = host.replace(/%.*$/, '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return `${[...first, ...zeros, ...last].slice(0, 4).join(':')}::/64`;
}
