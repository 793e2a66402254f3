import { CommanderError } from 'commander';
import { TaskInputError } from '../tasks/kind.js';
import { oneLine } from './one-line.js';

/** Exit statuses of both executables. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** The task ended `failed`, `dead` or `cancelled`; also an unexpected failure of the program itself. */
  failed: 1,
  /** Wrong usage or bad input; nothing was submitted. */
  usage: 2,
  /** No coordinator answered. */
  unreachable: 3,
  /** The coordinator refused: certificate, token, limit. */
  refused: 4,
  /** SIGINT or SIGTERM before the end. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** An end of a command that has its own exit status. The message is one line: what, where, what to do. */
export abstract class CommandError extends Error {
  abstract readonly status: ExitStatus;
}

export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  readonly status = EXIT.usage;
}

export class UnreachableError extends CommandError {
  override readonly name = 'UnreachableError';
  readonly status = EXIT.unreachable;
}

export class RefusedError extends CommandError {
  override readonly name = 'RefusedError';
  readonly status = EXIT.refused;
}

export class InterruptedError extends CommandError {
  override readonly name = 'InterruptedError';
  readonly status = EXIT.interrupted;
  constructor(message = 'interrupted') {
    super(message);
  }
}

export interface RunCommandOptions {
  readonly write?: (line: string) => void;
  /** Print the stack of an error after its line; by default when `--log-level debug` or `trace` was asked for. */
  readonly debug?: boolean;
}

/**
 * Runs a command to its end and returns the exit status: the one that `main` resolves to (anything else means done), or that of the error it
 * threw, which becomes one line on standard error, `error: …`. Never throws. The caller sets `process.exitCode`.
 */
export async function runCommand(
  main: () => Promise<unknown>,
  options: RunCommandOptions = {},
): Promise<ExitStatus> {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const debug = options.debug ?? asksForDebug(process.argv.slice(2), process.env);
  try {
    const result = await main();
    return isExitStatus(result) ? result : EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done; // --help, --version
    write(`error: ${describe(error)}\n`);
    if (debug && error instanceof Error && error.stack !== undefined) write(`${error.stack}\n`);
    return statusOf(error);
  }
}

function isExitStatus(value: unknown): value is ExitStatus {
  return Object.values<unknown>(EXIT).includes(value);
}

/** The exit status an error ends the process with. */
export function statusOf(error: unknown): ExitStatus {
  if (error instanceof CommandError) return error.status;
  if (error instanceof CommanderError || error instanceof TaskInputError) return EXIT.usage;
  return EXIT.failed;
}

function describe(error: unknown): string {
  if (error instanceof CommanderError) return describeUsage(error);
  if (error instanceof CommandError || error instanceof TaskInputError) return oneLine(error.message);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `unexpected: ${oneLine(text)} (--log-level debug shows where)`;
}

function describeUsage(error: CommanderError): string {
  // A group of commands without one of them: commander prints its help and throws this.
  if (error.code === 'commander.help') return 'a command is missing (--help lists them)';
  const text = oneLine(error.message.replace(/^error: /, ''));
  return text.includes('(') ? text : `${text} (--help shows what there is)`;
}

/** Read from the raw arguments, because the error may be that they could not be parsed. */
function asksForDebug(argv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const asked = (level: string | undefined) => level === 'debug' || level === 'trace';
  for (const [index, argument] of argv.entries()) {
    if (argument.startsWith('--log-level=')) return asked(argument.slice('--log-level='.length));
    if (argument === '--log-level') return asked(argv[index + 1]);
  }
  return asked(env['SWARM_LOG_LEVEL']);
}
