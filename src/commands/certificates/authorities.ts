import { readCertificates } from './pem.js';
import { checkValidity } from './validity.js';

/**
 * Reads the certificates of authorities to believe.
 * @throws UsageError when the file is unreadable, or no certificate in it is valid at `now`
 */
export function readAuthorities(
  origin: string,
  path: string,
  now: Date,
): { readonly pem: string; readonly warnings: string[] } {
  const file = readCertificates(origin, path);
  const [first, ...more] = file.certificates;
  const remedy = 'ask for the new one of the coordinator';
  // A bundle of many may hold old ones beside good ones.
  const warnings = more.length === 0 ? checkValidity({ path, certificate: first, now, remedy }) : [];
  return { pem: file.pem, warnings };
}
