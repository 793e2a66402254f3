import { LOG_FORMATS } from '../../observe/logger.js';
import { LOG_LEVELS } from '../../protocol/messages.js';
import { choice } from './choice.js';
import { optional, type OptionTable, value, type Values } from './spec.js';

export const loggingOptions = {
  logLevel: value({
    placeholder: 'LEVEL',
    parse: choice(LOG_LEVELS),
    default: 'info',
    help: `least severe level that is logged: ${LOG_LEVELS.join(', ')}`,
  }),
  /** null: pretty on a terminal, else json. */
  logFormat: optional({
    placeholder: LOG_FORMATS.join('|'),
    parse: choice(LOG_FORMATS),
    help: 'form of the log on standard error (default: pretty on a terminal, else json)',
  }),
} as const satisfies OptionTable;

export type LoggingOptions = Values<typeof loggingOptions>;
