import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../exit.js';
import type { CoordinatorOptions } from '../options/coordinator-options.js';
import { readAuthorities } from './authorities.js';
import { fingerprintOf } from './describe.js';
import { ensureCertificates } from './directory.js';
import { checkPair, readCertificates, readKey } from './pem.js';
import { checkValidity } from './validity.js';

/** What a coordinator presents, and whom it lets in. PEM text. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  /** Authorities of client certificates; null when none is known. */
  readonly ca: string | null;
  /** SHA-256 of the certificate: what an agent may give as `--fingerprint`. */
  readonly fingerprint: string;
  /** Files made on this start. */
  readonly made: readonly string[];
  /** For the log. */
  readonly warnings: readonly string[];
}

type IdentityOptions = Pick<CoordinatorOptions, 'certs' | 'cert' | 'key' | 'ca' | 'san'>;

/**
 * Loads the coordinator's certificate: `--cert` and `--key` when given, else those of the `--certs` directory, which
 * are made on the first run.
 * @throws UsageError for every file that is missing, unreadable, broken, expired or does not match
 */
export async function loadServerIdentity(options: IdentityOptions, now: Date): Promise<ServerIdentity> {
  return load(options, now);
}

/**
 * Loads it once more, from files that must be there: a directory that is empty now was not meant to be filled anew.
 * @throws UsageError as `loadServerIdentity`
 */
export async function reloadServerIdentity(options: IdentityOptions, now: Date): Promise<ServerIdentity> {
  const { certs, cert } = options;
  if (cert === null && !existsSync(join(certs, 'ca.crt')))
    throw new UsageError(`--certs: ${certs}: has no ca.crt any more`);
  return load(options, now);
}

async function load(options: IdentityOptions, now: Date): Promise<ServerIdentity> {
  const { made, warnings, certPath, keyPath, caPath } = await locate(options, now);
  const file = readCertificates('--cert', certPath);
  const key = readKey('--key', keyPath);
  checkPair(file, key);
  const remedy = 'give a certificate that is valid';
  const own =
    made === null
      ? [
          ...key.warnings,
          ...checkValidity({ path: certPath, certificate: file.certificates[0], now, remedy }),
        ]
      : [];
  return {
    cert: file.pem,
    key: key.pem,
    ca: caPath === null ? null : readAuthorities('--ca', caPath, now).pem,
    fingerprint: fingerprintOf(file.certificates[0]),
    made: made ?? [],
    warnings: [...warnings, ...own],
  };
}

interface Located {
  /** null: not from the directory. */
  readonly made: readonly string[] | null;
  readonly warnings: readonly string[];
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string | null;
}

async function locate({ certs, cert, key, ca, san }: IdentityOptions, now: Date): Promise<Located> {
  if (cert !== null && key !== null) {
    return { made: null, warnings: [], certPath: cert, keyPath: key, caPath: ca };
  }
  if (cert !== null) throw new UsageError('--cert: needs --key FILE too');
  if (key !== null) throw new UsageError('--key: needs --cert FILE too');
  const { made, warnings } = await ensureCertificates({ directory: certs, san, now });
  return {
    made,
    warnings,
    certPath: join(certs, 'server.crt'),
    keyPath: join(certs, 'server.key'),
    caPath: ca ?? join(certs, 'ca.crt'),
  };
}
