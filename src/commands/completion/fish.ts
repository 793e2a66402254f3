import { allCommands, type CommandWords, type OptionWords, type ValueWords } from './vocabulary.js';

/** A completion script for fish. */
export function fishCompletion(name: string, program: CommandWords): string {
  const lines = allCommands(program).flatMap((command) => {
    const when = condition(command);
    const own = (rest: string) => `complete -c ${name} -n ${quote(when)} ${rest}`;
    return [
      ...command.commands.map(({ path, help }) => own(`-a ${path.at(-1) ?? ''} -d ${quote(help)}`)),
      ...command.options.map((option) => own(optionRest(option))),
      ...command.arguments
        .map(argumentRest)
        .filter((rest) => rest !== null)
        .map(own),
    ];
  });
  return `# fish completion for ${name}: ${name} completion fish | source
complete -c ${name} -f
${lines.join('\n')}
`;
}

/** True while the words so far lead to this command and no further. */
function condition({ path, commands }: CommandWords): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map(({ path: further }) => further.at(-1) ?? '');
  const open = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
  return [...seen, ...open].join('; and ') || 'true';
}

function optionRest({ flags, help, value }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...(value === null ? [] : [valueRest(value)]), `-d ${quote(help)}`].join(' ');
}

function valueRest(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return `-x -a ${quote(value.choices.join(' '))}`;
    case 'file':
      return '-r -F';
    case 'directory':
      return `-x -a '(__fish_complete_directories)'`;
    case 'unknown':
      return '-x';
  }
}

function argumentRest(value: ValueWords): string | null {
  if (value.kind === 'choices') return `-a ${quote(value.choices.join(' '))}`;
  return value.kind === 'file' ? '-F' : null;
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
