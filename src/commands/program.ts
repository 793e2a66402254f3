import { Command } from 'commander';
import { UsageError } from './exit.js';
import { quote } from './one-line.js';
import { Output } from './output/output.js';

export interface ProgramOptions {
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

/**
 * A commander program whose usage errors are thrown as CommanderError instead of printed, so that `runCommand` prints
 * each as one line and chooses the exit status. Commands made with `program.command()` inherit all of it.
 */
export function createProgram({ name, description, version }: ProgramOptions): Command {
  let help: Output | null = null;
  return new Command(name)
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void (help ??= new Output()).write(text),
      outputError: () => undefined,
      writeErr: () => undefined,
    })
    .showSuggestionAfterError(true)
    .allowExcessArguments(false)
    .addHelpText('after', EPILOGUE);
}

const EPILOGUE = `
Each flag can come from its environment variable or from --config too: flag, environment, file, default, in this order.
SIGTERM and SIGINT end a daemon in an orderly way; SIGHUP has it read certificates and tokens again.

Exit status:
  0    done
  1    a task ended failed, dead or cancelled
  2    wrong usage or bad input; nothing was submitted
  3    no coordinator answered
  4    refused: certificate, token, limit
  130  interrupted`;

const defaultCommands = new WeakMap<Command, Command>();

/** The command that runs when none is named, or null. */
export function defaultCommandOf(program: Command): Command | null {
  return defaultCommands.get(program) ?? null;
}

/**
 * Adds the command that runs when none is named. A word it cannot take is then most likely a misspelt command, and the
 * error says so.
 */
export function addDefaultCommand(program: Command, name: string): Command {
  const command = program.command(name, { isDefault: true });
  defaultCommands.set(program, command);
  return command.allowExcessArguments(true).hook('preAction', (command) => {
    const [extra] = command.args;
    if (extra === undefined) return;
    const names = program.commands.map((other) => other.name()).join(', ');
    throw new UsageError(`${quote(extra)} is no command (there are ${names})`);
  });
}

/** Adds an example to the end of a command's help; `commandLine` must work when it is pasted. */
export function addExample(command: Command, commandLine: string, note?: string): Command {
  const comment = note === undefined ? '' : `  # ${note}\n`;
  return command.addHelpText('after', `\nExample:\n${comment}  $ ${commandLine}`);
}
