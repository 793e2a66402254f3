import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { canonicalName } from './names.js';
import { oneLine } from '../one-line.js';
import { daysLeft } from './validity.js';

/** A certificate for people and for `--json`. */
export interface CertificateDescription {
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  /** `DNS:localhost`, `IP:127.0.0.1`; empty when there is none. */
  readonly san: readonly string[];
  readonly authority: boolean;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Whole days; negative when expired. */
  readonly daysLeft: number;
  /** SHA-256 of the DER form, lower-case hexadecimal without colons: what `--fingerprint` takes. */
  readonly fingerprint: string;
}

export function describeCertificate(
  file: string,
  certificate: X509Certificate,
  now: Date,
): CertificateDescription {
  return {
    file,
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    san: altNames(certificate),
    authority: certificate.ca,
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    daysLeft: daysLeft(certificate, now),
    fingerprint: fingerprintOf(certificate),
  };
}

/** SHA-256 of the DER form, lower-case hexadecimal without colons. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Whether the certificate names `name`, a DNS name or an IP address, in its subjectAltName. */
export function coversName(certificate: X509Certificate, name: string): boolean {
  const wanted = canonicalName(name);
  if (altNames(certificate).some((entry) => entry === `DNS:${wanted}` || entry === `IP:${wanted}`))
    return true;
  return isIP(name) === 0 && certificate.checkHost(wanted, { subject: 'never' }) !== undefined;
}

/** Names in subjectAltName: `DNS:localhost`, `IP:127.0.0.1`, others as OpenSSL writes them. */
export function altNames(certificate: X509Certificate): string[] {
  // Null, not undefined, on some versions of Node when there is none.
  const text = (certificate.subjectAltName as string | null | undefined) ?? '';
  if (text === '') return [];
  return text.split(', ').map((entry) => {
    const [, dns] = /^DNS:(.*)$/.exec(entry) ?? [];
    const [, ip] = /^IP Address:(.*)$/.exec(entry) ?? [];
    if (dns !== undefined) return `DNS:${canonicalName(dns)}`;
    return ip === undefined ? entry : `IP:${canonicalName(ip)}`;
  });
}
