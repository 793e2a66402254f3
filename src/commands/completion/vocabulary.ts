import type { Argument, Command, Option } from 'commander';
import { taskKinds } from '../../tasks/registry.js';
import { TableOption } from '../options/options.js';
import { defaultCommandOf } from '../program.js';

/** What may stand for a value. */
export type ValueWords =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'file' }
  | { readonly kind: 'directory' }
  /** Nothing that a shell could know. */
  | { readonly kind: 'unknown' };

export interface OptionWords {
  /** As they are typed: `-V`, `--version`. */
  readonly flags: readonly string[];
  readonly help: string;
  /** Null for a switch. */
  readonly value: ValueWords | null;
  /** What the help calls the value. */
  readonly placeholder: string;
  readonly repeatable: boolean;
}

export interface CommandWords {
  /** From the program's name downwards, without it: `certs agent` is ['certs', 'agent'], the program itself []. */
  readonly path: readonly string[];
  readonly help: string;
  readonly options: readonly OptionWords[];
  readonly arguments: readonly ValueWords[];
  readonly commands: readonly CommandWords[];
}

/**
 * All that may be typed after the name of a program, read from its commander tree. A program with a default command
 * takes the flags of that too.
 */
export function vocabularyOf(program: Command): CommandWords {
  return wordsOf(program, []);
}

/** A command and all below it, the outermost first. */
export function allCommands(words: CommandWords): CommandWords[] {
  return [words, ...words.commands.flatMap(allCommands)];
}

function wordsOf(command: Command, path: readonly string[]): CommandWords {
  const standsIn = defaultCommandOf(command);
  const options = [...command.createHelp().visibleOptions(command), ...(standsIn?.options ?? [])];
  return {
    path,
    help: command.description(),
    options: options.map(optionWords),
    arguments: command.registeredArguments.map(argumentWords),
    commands: command.commands.map((below) => wordsOf(below, [...path, below.name()])),
  };
}

function optionWords(option: Option): OptionWords {
  const spec = option instanceof TableOption ? option.spec : null;
  const takesValue = option.required || option.optional;
  const placeholder = spec?.placeholder ?? '';
  return {
    flags: [option.short, option.long].filter((name) => name !== undefined),
    help: option.description,
    value: takesValue ? valueWords(spec?.choices ?? null, placeholder) : null,
    placeholder,
    repeatable: spec?.repeatable ?? false,
  };
}

function argumentWords(argument: Argument): ValueWords {
  return valueWords(argument.argChoices ?? null, argument.name());
}

function valueWords(choices: readonly string[] | null, placeholder: string): ValueWords {
  if (choices !== null) return { kind: 'choices', choices };
  // agents may bring more
  if (placeholder === 'KIND') return { kind: 'choices', choices: [...taskKinds.keys()] };
  if (/\bFILE\b/.test(placeholder)) return { kind: 'file' };
  if (/\bDIR\b/.test(placeholder)) return { kind: 'directory' };
  return { kind: 'unknown' };
}
