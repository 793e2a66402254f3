import { allCommands, type CommandWords, type OptionWords, type ValueWords } from './vocabulary.js';

/** A completion script for zsh: for a file `_NAME` in `$fpath`, or to be evaluated after compinit. */
export function zshCompletion(name: string, program: CommandWords): string {
  const root = `_${name.replaceAll('-', '_')}`;
  const functions = allCommands(program).map((command) => zshFunction(root, command));
  return `#compdef ${name}
# zsh completion for ${name}: source <(${name} completion zsh)
${functions.join('\n')}
if [[ \${funcstack[1]} == _${name} ]]; then ${root} "$@"; else compdef ${root} ${name}; fi
`;
}

function functionName(root: string, path: readonly string[]): string {
  return [root, ...path].join('__').replaceAll('-', '_');
}

function zshFunction(root: string, { path, options, commands, arguments: given }: CommandWords): string {
  const specs = options.flatMap(optionSpecs);
  const fn = functionName(root, path);
  if (commands.length === 0) {
    const operands = given.map((value, index) =>
      quote(`*:${index === 0 ? 'argument' : 'more'}:${action(value)}`),
    );
    return `${fn}() {\n  _arguments -s -S ${[...specs, ...operands].join(' \\\n    ')}\n}`;
  }
  const names = commands.map(({ path: below, help }) =>
    quote(`${(below.at(-1) ?? '').replaceAll(':', '\\:')}:${help}`),
  );
  const cases = commands.map(
    ({ path: below }) => `      ${below.at(-1) ?? ''}) ${functionName(root, below)} ;;`,
  );
  return `${fn}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -s -S -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    command)
      local -a names=(${names.join(' ')})
      _describe -t commands command names ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function optionSpecs({ flags, help, value, placeholder, repeatable }: OptionWords): string[] {
  const text = `[${help.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  const exclusions = repeatable ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : '';
  return flags.map((flag) => {
    const equals = value !== null && flag.startsWith('--') ? '=' : '';
    const end = value === null ? '' : `:${(placeholder || 'value').replaceAll(':', '\\:')}:${action(value)}`;
    return quote(`${exclusions}${flag}${equals}${text}${end}`);
  });
}

function action(value: ValueWords): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.join(' ')})`;
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'unknown':
      return ' ';
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
