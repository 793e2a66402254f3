import { createPrivateKey, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { ROLE_UNIT_PREFIX, type Role } from '../../protocol/roles.js';
import { COORDINATOR_NAME } from './names.js';
import type { generate } from 'selfsigned';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** Ten years: agents keep a copy of it. */
export const AUTHORITY_DAYS = 3652;
/** One year. */
export const LEAF_DAYS = 365;
/** Machines' clocks differ; a certificate that is valid only from this second on would be refused by some. */
const BACKDATE_MS = 3_600_000;

/** Makes a certificate authority: ECDSA P-256, SHA-256, allowed to sign leaves only. */
export async function issueAuthority(now: Date): Promise<Pair> {
  // A name of its own: a certificate of another authority is then refused as unknown, not as wrongly signed.
  const name = `quic-swarm CA ${randomBytes(4).toString('hex')}`;
  return issue(name, {
    ...validity(now, AUTHORITY_DAYS),
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}

/** Makes a server certificate signed by `authority`; `names` are DNS names and canonical IP addresses, at least one. */
export async function issueServer(authority: Pair, names: readonly string[], now: Date): Promise<Pair> {
  return issue(COORDINATOR_NAME, {
    ...validity(now, LEAF_DAYS),
    ca: authority,
    extensions: [
      ...leafExtensions(),
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
      },
    ],
  });
}

/** Makes a client certificate signed by `authority`; its common name is `id`, its organizational unit names `role`. */
export async function issueClient(
  authority: Pair,
  id: string,
  now: Date,
  role: Role | null = null,
): Promise<Pair> {
  const options: Options = {
    ...validity(now, LEAF_DAYS),
    ca: authority,
    extensions: [...leafExtensions(), { name: 'extKeyUsage', clientAuth: true }],
  };
  return issue(id, options, role === null ? null : `${ROLE_UNIT_PREFIX}${role}`);
}

/** Whether `issueServer` and `issueClient` can sign with this key. */
export function canSign(authorityKey: string): boolean {
  return createPrivateKey(authorityKey).asymmetricKeyType === 'ec';
}

type Options = NonNullable<Parameters<typeof generate>[1]>;

async function issue(commonName: string, options: Options, unit: string | null = null): Promise<Pair> {
  // Loaded here: it takes a tenth of a second, and most starts make no certificate.
  const { default: selfsigned } = await import('selfsigned');
  const subject = [
    { name: 'commonName', value: commonName },
    ...(unit === null ? [] : [{ shortName: 'OU', value: unit }]),
  ];
  const made = await selfsigned.generate(subject, {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    ...options,
  });
  return { cert: withLineBreak(made.cert), key: withLineBreak(made.private) };
}

function leafExtensions(): NonNullable<Options['extensions']> {
  return [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
  ];
}

function validity(now: Date, days: number): Options {
  return {
    notBeforeDate: new Date(now.getTime() - BACKDATE_MS),
    notAfterDate: new Date(now.getTime() + days * DAY_MS),
  };
}

function withLineBreak(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
