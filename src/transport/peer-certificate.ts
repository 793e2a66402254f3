import { X509Certificate } from 'node:crypto';

let last: { readonly der: Uint8Array; readonly certificate: X509Certificate } | null = null;

/**
 * A peer's certificate from its DER form. The last one is kept: a process with a thousand agents meets the same server a
 * thousand times, and reading a certificate costs as much as the rest of the handshake's work in JavaScript.
 */
export function certificateOf(der: Uint8Array): X509Certificate {
  if (last === null || Buffer.compare(last.der, der) !== 0) {
    last = { der, certificate: new X509Certificate(der) };
  }
  return last.certificate;
}
