import { choice } from './choice.js';
import { duration } from './duration.js';
import { integer } from './integer.js';
import { size } from './size.js';
import { type OptionTable, value } from './spec.js';
import { path } from './text.js';

const DAY_MS = 24 * 3_600_000;

/** Where and how the coordinator keeps tasks. */
export const storeOptions = {
  dataDir: value({
    placeholder: 'DIR',
    parse: path,
    default: './swarm-data',
    help: 'durable state; a second coordinator on the same directory is refused',
  }),
  durability: value({
    placeholder: 'full|normal',
    parse: choice(['full', 'normal']),
    default: 'full',
    help: 'full: on disk (fsync) before anything is acknowledged; normal: a power cut may take the last moments',
  }),
  patternStore: value({
    placeholder: 'built-in|agentdb|off',
    parse: choice(['built-in', 'agentdb', 'off']),
    default: 'built-in',
    help: 'where patterns that were looked for are kept with what came of them; agentdb: in the package of that name, if it is installed',
  }),
  retainAge: value({
    placeholder: 'DURATION',
    parse: duration({ min: 1000, max: 366 * DAY_MS }),
    default: '7d',
    help: 'finished tasks are kept this long',
  }),
  retainTasks: value({
    placeholder: 'N',
    parse: integer(0, 1_000_000_000),
    numeric: true,
    default: '1000000',
    help: 'finished tasks kept at most',
  }),
  retainBytes: value({
    placeholder: 'SIZE',
    parse: size(),
    numeric: true,
    default: '4GiB',
    help: 'inputs and results of finished tasks kept at most',
  }),
  idempotencyWindow: value({
    placeholder: 'DURATION',
    parse: duration({ max: 365 * DAY_MS }),
    default: '24h',
    help: 'the same idempotency key gives the same task for this long',
  }),
} as const satisfies OptionTable;
