import { Command } from 'commander';
import { UsageError } from './exit.js';
import { quote } from './one-line.js';

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
  return new Command(name)
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined, writeErr: () => undefined })
    .showSuggestionAfterError(true)
    .allowExcessArguments(false);
}

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
