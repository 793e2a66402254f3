import { pino, type DestinationStream, type Logger, stdTimeFunctions } from 'pino';
import type { LogLevel } from '../protocol/messages.js';

export const LOG_FORMATS = ['json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LoggerOptions {
  /** Name of the program, in every line. */
  readonly name: string;
  readonly level: LogLevel;
  /** null: pretty when standard error is a terminal, else json. */
  readonly format: LogFormat | null;
  /** Where lines go, each with its line break; default standard error. */
  readonly write?: (line: string) => void;
}

const SECRETS = [
  'sessionToken',
  'joinToken',
  'token',
  'key',
  'ticketKey',
  'secret',
  'password',
  'authorization',
];

/**
 * The logger of a process. Lines go to standard error one by one, written before the call returns: none is lost when
 * the process ends, however it ends.
 *
 * A JSON line has the keys `level` (a word), `time` (ISO 8601, UTC, milliseconds), `pid`, `name`, then the fields of
 * the call, then `msg`. Secrets (`sessionToken`, `joinToken`, `key`, …) are replaced, at the top and up to two levels
 * down. An error under `err` is logged as `type`, `message` and `code`; with its stack at level debug or trace.
 */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const format = options.format ?? (process.stderr.isTTY ? 'pretty' : 'json');
  const write = options.write ?? standardError();
  const logger: Logger = pino(
    {
      name: options.name,
      level: options.level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorSerializer(() => logger.isLevelEnabled('debug')) },
      redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    },
    format === 'pretty' ? await prettyStream(write) : { write },
  );
  return logger;
}

/** Formats in this thread: a worker thread could not write its last lines when the process exits. */
async function prettyStream(write: (line: string) => void): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const prettify = pretty.prettyFactory({
    colorize: process.stderr.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,name',
  });
  return { write: (line) => write(prettify(line)) };
}

function standardError(): (line: string) => void {
  const stream = pino.destination({ dest: 2, sync: true });
  // Whoever read standard error is gone; a daemon goes on without its log.
  stream.on('error', () => undefined);
  return (line) => void stream.write(line);
}

function errorSerializer(withStack: () => boolean): (error: unknown) => unknown {
  const serialize = (error: unknown): unknown => {
    if (!(error instanceof Error)) return error;
    return {
      type: error.name,
      message: error.message,
      ...('code' in error ? { code: error.code } : {}),
      ...(error.cause instanceof Error ? { cause: serialize(error.cause) } : {}),
      ...(withStack() ? { stack: error.stack } : {}),
    };
  };
  return serialize;
}
