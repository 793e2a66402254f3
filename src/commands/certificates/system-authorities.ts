import { readFileSync } from 'node:fs';
import tls from 'node:tls';

/** Bundles of the systems that have one file: Debian and Alpine, Fedora, SUSE, macOS and BSD. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The authorities that this machine believes, as PEM: the system's store when Node can read it (22.15 and newer), else
 * `SSL_CERT_FILE` or the system's bundle file, else those that came with Node.
 */
export function systemAuthorities(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['SSL_CERT_FILE'] ?? '';
  if (named !== '') {
    const pem = readBundle(named);
    if (pem !== null) return pem;
  }
  const store = systemStore();
  if (store.length > 0) return store.join('\n');
  for (const bundle of BUNDLES) {
    const pem = readBundle(bundle);
    if (pem !== null) return pem;
  }
  return tls.rootCertificates.join('\n');
}

/** Node's types know `getCACertificates` from version 22 on; what it gives is checked here. */
function systemStore(): string[] {
  if (!('getCACertificates' in tls) || typeof tls.getCACertificates !== 'function') return [];
  const found: unknown = Reflect.apply(tls.getCACertificates, tls, ['system']);
  return Array.isArray(found) ? found.filter((pem) => typeof pem === 'string') : [];
}

function readBundle(path: string): string | null {
  try {
    const pem = readFileSync(path, 'latin1');
    return pem.includes('-----BEGIN CERTIFICATE-----') ? pem : null;
  } catch {
    return null; // not on this system
  }
}
