import type { TlsMaterial } from './certificate.js';
import type { Plan } from './options.js';
import type { Results } from './results.js';
import type { Servers } from './servers.js';

/** What a section needs. */
export interface Context {
  readonly plan: Plan;
  readonly tls: TlsMaterial;
  readonly servers: Servers;
}

export type Section = (context: Context) => Promise<Results>;

/** Bytes of every message that is sent back and forth. */
export const MESSAGE_BYTES = 256;
