import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientTls } from '../../transport/quic-connector.js';
import { UsageError } from '../exit.js';
import type { TrustOptions } from '../options/trust-options.js';
import { readAuthorities } from './authorities.js';
import { readJoinToken } from './join-token.js';
import { checkPair, readCertificates, readKey } from './pem.js';
import { systemAuthorities } from './system-authorities.js';
import { checkValidity } from './validity.js';

/** How an agent or a client checks the coordinator, and how it proves itself: files read and checked. */
export interface Trust {
  /** For the connector. `ca` is the text of the files; `fingerprint` replaces it; neither: `insecure`. */
  readonly tls: ClientTls;
  /** Where `tls.ca` comes from, for errors: a path, or `the system's authorities`; null without it. */
  readonly caSource: string | null;
  readonly joinToken: string | null;
  /** For the log. */
  readonly warnings: readonly string[];
}

/** Where a coordinator on the same machine and directory has put its CA. */
export const DEFAULT_CA = join('certs', 'ca.crt');

export interface ResolveTrustOptions {
  readonly now: Date;
  /** Default `./certs/ca.crt`. */
  readonly defaultCa?: string;
}

/**
 * Reads and checks what the trust flags name.
 * @throws UsageError for flags that contradict each other and for every file that is unreadable, broken, expired or
 *   does not match
 */
export function resolveTrust(
  options: TrustOptions,
  { now, defaultCa = DEFAULT_CA }: ResolveTrustOptions,
): Trust {
  const { fingerprint, insecure } = options;
  if (insecure && (options.ca !== null || fingerprint !== null)) {
    const other = options.ca === null ? '--fingerprint' : '--ca';
    throw new UsageError(
      `--insecure: contradicts ${other}: with it nothing is checked; leave one of them out`,
    );
  }
  const authorities = insecure ? null : resolveAuthorities(options, defaultCa, now);
  const identity = resolveIdentity(options, now);
  return {
    tls: {
      ...(insecure ? { insecure } : {}),
      ...(authorities === null ? {} : { ca: authorities.pem }),
      ...(fingerprint === null ? {} : { fingerprint }),
      ...(identity === null ? {} : { cert: identity.cert, key: identity.key }),
    },
    caSource: authorities?.source ?? null,
    joinToken: options.joinTokenFile === null ? null : readJoinToken(options.joinTokenFile),
    warnings: [
      ...(insecure
        ? ['--insecure: the coordinator is not checked: anybody on the path can read and change all traffic']
        : []),
      ...(authorities?.warnings ?? []),
      ...(identity?.warnings ?? []),
    ],
  };
}

interface Authorities {
  readonly pem: string;
  readonly source: string;
  readonly warnings: readonly string[];
}

function resolveAuthorities(
  { ca, fingerprint }: TrustOptions,
  defaultCa: string,
  now: Date,
): Authorities | null {
  if (ca === 'system') return { pem: systemAuthorities(), source: "the system's authorities", warnings: [] };
  if (ca !== null) return { ...readAuthorities('--ca', ca, now), source: ca };
  // A pinned certificate needs no authority, and a CA that lies around is not what the user asked for.
  if (fingerprint !== null) return null;
  if (existsSync(defaultCa)) return { ...readAuthorities('--ca', defaultCa, now), source: defaultCa };
  return { pem: systemAuthorities(), source: "the system's authorities", warnings: [] };
}

function resolveIdentity({ cert, key }: TrustOptions, now: Date) {
  if (cert === null && key === null) return null;
  if (cert === null) throw new UsageError('--key: needs --cert FILE too');
  if (key === null) throw new UsageError('--cert: needs --key FILE too');
  const file = readCertificates('--cert', cert);
  const keyFile = readKey('--key', key);
  checkPair(file, keyFile);
  const remedy = 'make a new one with: swarm-coordinator certs agent ID --force';
  const warnings = checkValidity({ path: cert, certificate: file.certificates[0], now, remedy });
  return { cert: file.pem, key: keyFile.pem, warnings: [...keyFile.warnings, ...warnings] };
}
