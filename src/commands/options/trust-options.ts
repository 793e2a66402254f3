import { fingerprint } from './fingerprint.js';
import { flag, optional, type OptionTable, type Values } from './spec.js';
import { path } from './text.js';

/** How an agent or a client checks the coordinator, and how it proves itself. */
export const trustOptions = {
  ca: optional({
    placeholder: 'FILE',
    parse: path,
    help: "certificates of the authorities to believe, PEM; 'system' for the system's (default: ./certs/ca.crt if there, else system)",
  }),
  fingerprint: optional({
    placeholder: 'SHA256',
    parse: fingerprint,
    help: "believe the coordinator's certificate with this fingerprint",
  }),
  cert: optional({ placeholder: 'FILE', parse: path, help: 'own certificate for mutual TLS, PEM' }),
  key: optional({ placeholder: 'FILE', parse: path, help: 'private key of --cert, PEM' }),
  joinTokenFile: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'file with the shared secret that the coordinator asks for',
  }),
  insecure: flag({ help: 'do not check who the coordinator is: for trials only' }),
} as const satisfies OptionTable;

export type TrustOptions = Values<typeof trustOptions>;
