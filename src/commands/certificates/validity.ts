import type { X509Certificate } from 'node:crypto';
import { UsageError } from '../exit.js';

const DAY_MS = 86_400_000;
/** From here on there is a warning at each start. */
const WARN_DAYS = 30;

export interface ValidityCheck {
  /** What the user knows it by: a path. */
  readonly path: string;
  readonly certificate: X509Certificate;
  readonly now: Date;
  /** What to do about it, such as `renew it with: …`. */
  readonly remedy: string;
}

/**
 * Checks that a certificate is valid at `now`; returns a warning when it ends in under 30 days.
 * @throws UsageError when it is expired or not valid yet
 */
export function checkValidity({ path, certificate, now, remedy }: ValidityCheck): string[] {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  if (now > to) throw new UsageError(`${path}: the certificate expired on ${day(to)}: ${remedy}`);
  if (now < from) {
    throw new UsageError(
      `${path}: the certificate is valid only from ${from.toISOString()}: check this machine's clock`,
    );
  }
  const left = daysLeft(certificate, now);
  return left < WARN_DAYS
    ? [`${path}: the certificate expires on ${day(to)}, in ${left} days: ${remedy}`]
    : [];
}

/** Whole days until the end of its validity; negative when it is over. */
export function daysLeft(certificate: X509Certificate, now: Date): number {
  return Math.floor((new Date(certificate.validTo).getTime() - now.getTime()) / DAY_MS);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
