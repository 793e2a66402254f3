import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../protocol/roles.js';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';
import { altNames, coversName } from './describe.js';
import { finishFileSet, publishFileSet, replaceFile } from './file-set.js';
import { canSign, issueAuthority, issueClient, issueServer, type Pair } from './issue.js';
import { serverNames } from './names.js';
import { checkPair, readCertificates, readKey } from './pem.js';
import { checkValidity, daysLeft } from './validity.js';

/** Files of a certificates directory, in the order in which they are made: who finds ca.crt finds all. */
const FILES = ['ca.key', 'server.key', 'server.crt', 'ca.crt'] as const;
/** What a coordinator needs. ca.key only signs, and may be kept elsewhere. */
const NEEDED = ['server.key', 'server.crt', 'ca.crt'] as const;

export interface CertificatesDirectory {
  readonly directory: string;
  /** Names of the files made now; empty when all were there. */
  readonly made: readonly string[];
  readonly warnings: readonly string[];
}

export interface EnsureOptions {
  readonly directory: string;
  /** DNS names and IP addresses beside those of this machine. */
  readonly san: readonly string[];
  readonly now: Date;
}

/**
 * Makes a CA (10 years) and a server certificate signed by it (1 year) in `directory` when there is none; checks them
 * when they are there. Never overwrites a file. Processes that start at once all end up with the same set.
 *
 * @throws UsageError for a partial set, an unreadable or unwritable file, a key that does not match, an expired
 *   certificate; the message says what to do
 */
export async function ensureCertificates({
  directory,
  san,
  now,
}: EnsureOptions): Promise<CertificatesDirectory> {
  return describingFailures(directory, async () => {
    const made = present(directory).length === 0 ? await makeAll(directory, san, now) : [];
    finishFileSet(directory);
    requireComplete(directory);
    return { directory, made, warnings: checkDirectory(directory, san, now) };
  });
}

/**
 * Makes a new server certificate in place of the one in `directory`, for the same names and those of `san`. The CA stays
 * while it is valid, so that agents need not be told; when it is expired or missing a new one is made too.
 * @throws UsageError when the CA is valid but its key is not there
 */
export async function renewCertificates({
  directory,
  san,
  now,
}: EnsureOptions): Promise<CertificatesDirectory> {
  return describingFailures(directory, async () => {
    finishFileSet(directory);
    const kept = keptAuthority(directory, now);
    const authority = kept ?? (await issueAuthority(now));
    const server = await issueServer(authority, serverNames([...san, ...currentNames(directory)]), now);
    const files = new Map([
      ...(kept === null ? [['ca.key', authority.key] as const] : []),
      ['server.key', server.key] as const,
      ['server.crt', server.cert] as const,
      ...(kept === null ? [['ca.crt', authority.cert] as const] : []),
    ]);
    for (const [name, content] of files) replaceFile(directory, name, content);
    return { directory, made: [...files.keys()], warnings: checkDirectory(directory, san, now) };
  });
}

export interface ClientCertificateOptions {
  readonly directory: string;
  /** Id of the agent, or name of the operator; checked by the protocol's rule for ids before. */
  readonly id: string;
  readonly now: Date;
  /** Replace an existing certificate of that id. */
  readonly force: boolean;
  /** What its holder may be, which the certificate says; everything when missing. */
  readonly role?: Role;
}

/**
 * Makes `ID.crt` and `ID.key`: a client certificate (1 year) signed by the CA of `directory`.
 * @throws UsageError when there is no CA with its key, or the files exist and `force` is not set
 */
export async function makeClientCertificate(
  options: ClientCertificateOptions,
): Promise<CertificatesDirectory> {
  const { directory, id, now, force } = options;
  const files = [`${id}.key`, `${id}.crt`] as const;
  if (['ca', 'server'].includes(id.toLowerCase())) {
    throw new UsageError(`'${id}' cannot be an id here: ${id}.crt is a file of the coordinator`);
  }
  return describingFailures(directory, async () => {
    const existing = files.find((name) => existsSync(join(directory, name)));
    if (existing !== undefined && !force) {
      throw new UsageError(`${join(directory, existing)}: exists; --force replaces it`);
    }
    const pair = await issueClient(readAuthority(directory, now), id, now, options.role);
    replaceFile(directory, files[0], pair.key);
    replaceFile(directory, files[1], pair.cert);
    return { directory, made: files, warnings: [] };
  });
}

async function makeAll(directory: string, san: readonly string[], now: Date): Promise<readonly string[]> {
  const authority = await issueAuthority(now);
  const server = await issueServer(authority, serverNames(san), now);
  const contents = {
    'ca.key': authority.key,
    'server.key': server.key,
    'server.crt': server.cert,
    'ca.crt': authority.cert,
  };
  publishFileSet(directory, new Map(FILES.map((name) => [name, contents[name]])));
  // When another process was first, its set is in place, and ours is gone.
  return readCertificates('certificates', join(directory, 'ca.crt')).pem === authority.cert ? FILES : [];
}

function requireComplete(directory: string): void {
  let missing = NEEDED.filter((name) => !existsSync(join(directory, name)));
  // Another process may have been at work when we looked for each: by now its set is pending, or complete.
  if (missing.length > 0) {
    finishFileSet(directory);
    missing = NEEDED.filter((name) => !existsSync(join(directory, name)));
  }
  if (missing.length === 0) return;
  throw new UsageError(
    `${directory}: has ${present(directory).join(', ')} but not ${missing.join(', ')}: add what is missing, give another --certs DIR, or make it with: swarm-coordinator certs init --force --certs ${directory}`,
  );
}

function present(directory: string): string[] {
  return FILES.filter((name) => existsSync(join(directory, name)));
}

function checkDirectory(directory: string, san: readonly string[], now: Date): string[] {
  const ca = readCertificates('certificates', join(directory, 'ca.crt'));
  const server = readCertificates('certificates', join(directory, 'server.crt'));
  const key = readKey('certificates', join(directory, 'server.key'));
  checkPair(server, key);
  const [certificate] = server.certificates;
  const remedy = `renew it with: swarm-coordinator certs init --force --certs ${directory}`;
  return [
    ...key.warnings,
    ...checkValidity({ path: ca.path, certificate: ca.certificates[0], now, remedy }),
    ...checkValidity({ path: server.path, certificate, now, remedy }),
    ...san
      .filter((name) => !coversName(certificate, name))
      .map(
        (name) =>
          `${server.path}: does not name ${name}: make one that does with: swarm-coordinator certs init --force --san ${san.join(',')} --certs ${directory}`,
      ),
  ];
}

/** The authority of `directory` that a renewal goes on with, or null when it makes a new one. */
function keptAuthority(directory: string, now: Date): Pair | null {
  if (!existsSync(join(directory, 'ca.crt'))) return null;
  const file = readCertificates('certificates', join(directory, 'ca.crt'));
  return daysLeft(file.certificates[0], now) < 0 ? null : readAuthority(directory, now);
}

/** Names in the certificate that a renewal replaces; none when there is no readable one. */
function currentNames(directory: string): string[] {
  try {
    const { certificates } = readCertificates('certificates', join(directory, 'server.crt'));
    return altNames(certificates[0]).flatMap((entry) => /^(?:DNS|IP):(.*)$/.exec(entry)?.[1] ?? []);
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

function readAuthority(directory: string, now: Date): Pair {
  const missing = ['ca.crt', 'ca.key'].find((name) => !existsSync(join(directory, name)));
  if (missing !== undefined) {
    throw new UsageError(
      `${join(directory, missing)}: is missing: bring it here, or make a new authority with: swarm-coordinator certs init --certs DIR (another directory)`,
    );
  }
  const file = readCertificates('certificates', join(directory, 'ca.crt'));
  const key = readKey('certificates', join(directory, 'ca.key'));
  checkPair(file, key);
  const remedy = `make a new one with: swarm-coordinator certs init --force --certs ${directory}`;
  checkValidity({ path: file.path, certificate: file.certificates[0], now, remedy });
  if (!file.certificates[0].ca)
    throw new UsageError(`${file.path}: is not the certificate of an authority (CA:TRUE)`);
  if (!canSign(key.pem))
    throw new UsageError(
      `${key.path}: only an elliptic-curve key can sign here: use the tools of your authority`,
    );
  return { cert: file.pem, key: key.pem };
}

async function describingFailures<T>(directory: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      const path = 'path' in error && typeof error.path === 'string' ? error.path : directory;
      throw new UsageError(`--certs: ${path}: ${fileProblem(error)}`, { cause: error });
    }
    throw error;
  }
}
