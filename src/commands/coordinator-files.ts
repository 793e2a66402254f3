import { readRoleTokens } from './access.js';
import { readJoinToken, readSecret } from './certificates/join-token.js';
import {
  loadServerIdentity,
  reloadServerIdentity,
  type ServerIdentity,
} from './certificates/server-identity.js';
import { UsageError } from './exit.js';
import { requiresClientCertificate, type CoordinatorOptions } from './options/coordinator-options.js';
import { isLoopback } from './options/host-port.js';

/** What the files that a coordinator's options name hold. They are read at its start, and again on SIGHUP. */
export interface CoordinatorFiles {
  readonly identity: ServerIdentity;
  /** PEM text; null when clients need no certificate. */
  readonly clientAuthorities: string | null;
  readonly joinToken: string | null;
  readonly httpToken: string | null;
  readonly roleTokens: ReturnType<typeof readRoleTokens>;
}

/** At the start: certificates are made when there are none. @throws UsageError */
export function readFiles(options: CoordinatorOptions): Promise<CoordinatorFiles> {
  return read(options, loadServerIdentity);
}

/** Once more: nothing is made. @throws UsageError */
export function readFilesAgain(options: CoordinatorOptions): Promise<CoordinatorFiles> {
  return read(options, reloadServerIdentity);
}

async function read(options: CoordinatorOptions, load: typeof loadServerIdentity): Promise<CoordinatorFiles> {
  const { joinTokenFile, httpTokenFile } = options;
  // the tokens first: whoever misnames one has no certificates made
  const tokens = {
    joinToken: joinTokenFile === null ? null : readJoinToken(joinTokenFile),
    httpToken: httpTokenFile === null ? null : readSecret(httpTokenFile, '--http-token-file'),
    roleTokens: readRoleTokens(options),
  };
  const identity = await load({ ...options, san: namesFor(options) }, new Date());
  const clientAuthorities = requiresClientCertificate(options) ? mustHaveAuthorities(identity) : null;
  return { ...tokens, identity, clientAuthorities };
}

/** Who connects to the address that is listened on finds it in the certificate. */
function namesFor({ san, listen }: CoordinatorOptions): CoordinatorOptions['san'] {
  return isWildcard(listen.host) || isLoopback(listen.host) ? san : [...san, listen.host];
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

function mustHaveAuthorities({ ca }: ServerIdentity): string {
  if (ca !== null) return ca;
  throw new UsageError('--require-client-cert: needs --ca FILE with the authorities of client certificates');
}
