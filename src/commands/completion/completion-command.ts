import { Argument, type Command } from 'commander';
import { Output } from '../output/output.js';
import { addExample } from '../program.js';
import { bashCompletion } from './bash.js';
import { fishCompletion } from './fish.js';
import { vocabularyOf } from './vocabulary.js';
import { zshCompletion } from './zsh.js';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

type Shell = keyof typeof SHELLS;

/** Adds `completion SHELL`, which prints a script that completes every command and flag that `program` has by then. */
export function registerCompletionCommand(program: Command): Command {
  const name = program.name();
  const command = program
    .command('completion')
    .description('print a script that lets a shell complete commands, flags and their values')
    .addArgument(new Argument('<SHELL>', 'which shell').choices(Object.keys(SHELLS)));
  addExample(command, `eval "$(${name} completion bash)"`, `for good: ${name} completion bash >> ~/.bashrc`);
  command.action(async (shell: Shell) => {
    await new Output().write(SHELLS[shell](name, vocabularyOf(program)));
  });
  return command;
}
