import { ROLES, type Role } from '../../protocol/roles.js';
import { integer } from './integer.js';
import { type Parser, ValueProblem } from './parser.js';
import { list, optional, type OptionTable, valueOrOff } from './spec.js';
import { path } from './text.js';

/** A file whose secret grants a role. */
export interface TokenFile {
  readonly role: Role;
  readonly path: string;
}

const tokenFile: Parser<TokenFile> = (text) => {
  const equals = text.indexOf('=');
  const role = ROLES.find((candidate) => candidate === text.slice(0, equals));
  if (equals < 0 || role === undefined) throw new ValueProblem(`is not ROLE=FILE (${ROLES.join(', ')})`);
  return { role, path: path(text.slice(equals + 1)) };
};

const perSecond: Parser<number> = (text) => {
  const [, amount] = /^(\d+)\/s$/.exec(text) ?? [];
  if (amount === undefined) throw new ValueProblem('is not N/s, such as 100/s');
  return integer(1, 10_000_000)(amount);
};

/** Who may do what at a coordinator, how often, and what is written down of it. */
export const accessOptions = {
  tokenFile: list({
    placeholder: 'ROLE=FILE',
    parse: tokenFile,
    help: `file with a secret that makes its holder ${ROLES.join(', ')}; may be repeated. --join-token-file then means agent and client`,
  }),
  clientRate: optional({
    placeholder: 'N/s',
    parse: perSecond,
    help: 'requests a second of one client certificate, or of one address without; others are told when to try again',
  }),
  handshakeRate: valueOrOff({
    placeholder: 'N/s',
    parse: perSecond,
    default: '2000/s',
    help: 'new connections a second from one IPv4 address or IPv6 /64 network; those over it prove their address first, as many again are taken, the rest is dropped',
  }),
  auditLog: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'file to which operator actions are appended, one JSON object a line; SIGHUP opens it again',
  }),
} as const satisfies OptionTable;
