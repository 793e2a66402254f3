import { isDnsName } from './host-port.js';
import { isIP } from 'node:net';
import { type Parser, ValueProblem } from './parser.js';
import { list, optional, type OptionTable, value } from './spec.js';
import { path } from './text.js';

/** Parser of a name for a certificate: a DNS name (a leading `*.` is allowed) or an IP address. */
export const subjectAltName: Parser<string> = (text) => {
  if ((isIP(text) === 0 || text.includes('%')) && !isDnsName(text.replace(/^\*\./, ''))) {
    throw new ValueProblem('is not a DNS name or an IP address');
  }
  return text;
};

export const certsDirOption = {
  certs: value({
    placeholder: 'DIR',
    parse: path,
    default: './certs',
    help: 'directory of the certificates',
  }),
} as const satisfies OptionTable;

export const sanOption = {
  san: list({
    placeholder: 'NAME',
    parse: subjectAltName,
    help: 'one more DNS name or IP address of the coordinator for the certificate that is made; may be repeated',
  }),
} as const satisfies OptionTable;

/** Certificates of the coordinator: a directory that it may fill by itself, or files of one's own. */
export const serverCertificateOptions = {
  ...certsDirOption,
  cert: optional({
    placeholder: 'FILE',
    parse: path,
    help: "the coordinator's certificate, PEM (default: server.crt of --certs)",
  }),
  key: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'private key of --cert, PEM (default: server.key of --certs)',
  }),
  ca: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'authorities whose client certificates are accepted, PEM (default: ca.crt of --certs)',
  }),
  ...sanOption,
} as const satisfies OptionTable;
