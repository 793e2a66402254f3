import { hostPort } from './host-port.js';
import { commaSeparated } from './parser.js';
import { type OptionTable, value, type Values } from './spec.js';

export const connectOptions = {
  connect: value({
    placeholder: 'HOST:PORT,...',
    parse: commaSeparated(hostPort({ minPort: 1 })),
    default: '127.0.0.1:5000',
    help: 'coordinators to try, in this order',
  }),
} as const satisfies OptionTable;

export type ConnectOptions = Values<typeof connectOptions>;
