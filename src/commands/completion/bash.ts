import { allCommands, type CommandWords, type ValueWords } from './vocabulary.js';

/**
 * A completion script for bash, from version 3.2 on, that needs no other package. It keeps to what bash itself takes for
 * words: `--flag=value` arrives as three.
 */
export function bashCompletion(name: string, program: CommandWords): string {
  const fn = `_${name.replaceAll('-', '_')}`;
  const commands = allCommands(program);
  return `# bash completion for ${name}: eval "$(${name} completion bash)"
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' flag='' word skip='' index IFS=$'\\n'
  COMPREPLY=()
  if [[ $cur == '=' ]]; then flag=$prev cur=''
  elif [[ $prev == '=' ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}
  else flag=$prev
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == '=' ]]; then skip=1; continue; fi
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$path $word" in
${steps(commands)}
    esac
    case "$path $word" in
${flagsWithValue(commands)}
    esac
  done
  case "$path $flag" in
${values(commands)}
  esac
  case "$path" in
${words(commands)}
  esac
}
complete -F ${fn} ${name}
`;
}

/** Into which command a word leads, by the path so far. */
function steps(commands: readonly CommandWords[]): string {
  const below = commands.filter(({ path }) => path.length > 0);
  const lines = below.map(({ path }) => {
    const from = path.slice(0, -1).join(' ');
    return `      '${from} ${path.at(-1) ?? ''}') path='${path.join(' ')}'; continue ;;`;
  });
  return lines.length === 0 ? "      '') ;;" : lines.join('\n');
}

function flagsWithValue(commands: readonly CommandWords[]): string {
  const patterns = commands.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== null)
      .flatMap(({ flags }) => flags)
      .map((flag) => `'${path.join(' ')} ${flag}'`),
  );
  return patterns.length === 0 ? "      '') ;;" : `      ${patterns.join('|')}) skip=1 ;;`;
}

/** What follows a flag that takes a value: one line for each kind of value. */
function values(commands: readonly CommandWords[]): string {
  const patterns = new Map<string, string[]>();
  for (const { path, options } of commands) {
    for (const { flags, value } of options) {
      if (value === null) continue;
      const reply = replyWith(value);
      const of = patterns.get(reply) ?? [];
      patterns.set(reply, of);
      of.push(...flags.map((flag) => `'${path.join(' ')} ${flag}'`));
    }
  }
  const lines = [...patterns].map(([reply, of]) => `    ${of.join('|')})\n      ${reply}; return ;;`);
  return lines.length === 0 ? "    '') ;;" : lines.join('\n');
}

/** What may stand where no value is due: commands, flags, arguments. */
function words(commands: readonly CommandWords[]): string {
  return commands
    .map((command) => {
      const flags = command.options.flatMap((option) => option.flags);
      const names = command.commands.map(({ path }) => path.at(-1) ?? '');
      const choices = command.arguments.flatMap((value) => (value.kind === 'choices' ? value.choices : []));
      const takesFile = command.arguments.some((value) => value.kind === 'file');
      const plain = [...names, ...choices];
      const other = takesFile ? replyWith({ kind: 'file' }) : compgen(plain.length === 0 ? flags : plain);
      return `    '${command.path.join(' ')}') if [[ $cur == -* ]]; then ${compgen(flags)}; else ${other}; fi ;;`;
    })
    .join('\n');
}

function replyWith(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return compgen(value.choices);
    case 'file':
      return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))';
    case 'directory':
      return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur"))';
    case 'unknown':
      return 'COMPREPLY=()';
  }
}

/** The words stand one a line, as IFS has it. */
function compgen(list: readonly string[]): string {
  return `COMPREPLY=($(compgen -W $'${list.join('\\n')}' -- "$cur"))`;
}
