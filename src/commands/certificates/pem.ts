import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';

/** A bundle of all public authorities has a quarter of this. */
const MAX_BYTES = 4 * 1024 * 1024;
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** PEM text of a file, and the certificates in it. */
export interface CertificateFile {
  readonly path: string;
  readonly pem: string;
  /** At least one. The first is the leaf of a chain. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

export interface KeyFile {
  readonly path: string;
  readonly pem: string;
  readonly key: KeyObject;
  readonly warnings: readonly string[];
}

/**
 * Reads a file of PEM certificates. `origin` is what the user named it by, such as `--cert`.
 * @throws UsageError when it cannot be read, holds no certificate or a broken one
 */
export function readCertificates(origin: string, path: string): CertificateFile {
  const pem = readText(origin, path);
  const blocks = pem.match(CERTIFICATE_BLOCK) ?? [];
  const [first, ...rest] = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new UsageError(`${origin}: ${path}: certificate ${index + 1} in it is broken`, { cause: error });
    }
  });
  if (first === undefined) {
    throw new UsageError(`${origin}: ${path}: holds no PEM certificate (-----BEGIN CERTIFICATE-----)`);
  }
  return { path, pem, certificates: [first, ...rest] };
}

/**
 * Reads a PEM private key; warns when other users may read it.
 * @throws UsageError when it cannot be read, is no PEM private key, or is encrypted
 */
export function readKey(origin: string, path: string): KeyFile {
  const pem = readText(origin, path);
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(pem)) {
    throw new UsageError(`${origin}: ${path}: holds no PEM private key (-----BEGIN PRIVATE KEY-----)`);
  }
  try {
    return { path, pem, key: createPrivateKey(pem), warnings: modeWarnings(path) };
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(pem);
    const problem = encrypted
      ? 'is encrypted: give the key without a passphrase'
      : 'the private key in it is broken';
    throw new UsageError(`${origin}: ${path}: ${problem}`, { cause: error });
  }
}

/** @throws UsageError when `key` does not belong to the first certificate of `file` */
export function checkPair(file: CertificateFile, key: KeyFile): void {
  if (!file.certificates[0].checkPrivateKey(key.key)) {
    throw new UsageError(
      `${key.path}: does not match the certificate ${file.path}: give the two that were made together`,
    );
  }
}

function readText(origin: string, path: string): string {
  try {
    if (statSync(path).size > MAX_BYTES)
      throw new UsageError(`${origin}: ${path}: is too long to be a PEM file`);
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${origin}: ${path}: ${fileProblem(error)}`, { cause: error });
  }
}

function modeWarnings(path: string): string[] {
  if (process.platform === 'win32') return [];
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o044) === 0) return [];
  return [`${path}: other users can read this private key (mode ${mode.toString(8)}): chmod 600 ${path}`];
}
