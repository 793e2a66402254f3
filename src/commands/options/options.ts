import { type Command, Option } from 'commander';
import { UsageError } from '../exit.js';
import { quote } from '../one-line.js';
import { type ConfigFile, readConfigFile } from './config-file.js';
import { ValueProblem } from './parser.js';
import {
  type Given,
  kebabCase,
  optional,
  type OptionSpec,
  type OptionTable,
  type Values,
  variableName,
} from './spec.js';
import { path } from './text.js';

/** An option of a table, as commander knows it. */
export class TableOption extends Option {
  constructor(
    flags: string,
    readonly spec: OptionSpec<unknown>,
    help: string,
  ) {
    super(flags, help);
  }
}

/** Every command that has options has this one. */
const configTable = {
  config: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'settings by the names of the flags, JSON or YAML',
  }),
} as const;

/** Adds the options of `table`, and `--config`, to a command. */
export function addOptions(command: Command, table: OptionTable): Command {
  for (const [key, spec] of Object.entries({ ...table, ...configTable })) {
    for (const option of commanderOptions(key, spec)) command.addOption(option);
  }
  return command;
}

/**
 * Reads the options of `table` once `command` has been parsed: for each the flag, else the variable `SWARM_NAME` of
 * `env`, else the configuration file, else the default. An empty variable counts as not set.
 *
 * @throws UsageError that names the source of a bad value: `--listen`, `SWARM_LISTEN` or `swarm.yaml: listen`
 */
export async function readOptions<Table extends OptionTable>(
  command: Command,
  table: Table,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Values<Table>> {
  const configPath = resolve('config', configTable.config, [fromFlag(command), fromEnvironment(env)]);
  const file = configPath === null ? null : await readConfigFile(configPath, settingNames(command));
  const sources = [fromFlag(command), fromEnvironment(env), fromFile(file)];
  const values = Object.entries(table).map(([key, spec]) => [key, resolve(key, spec, sources)]);
  // Object.fromEntries forgets which key has which type; the entries come from `table` one by one.
  return Object.fromEntries(values) as Values<Table>;
}

/** What a source says of one option, and what the source calls that option. */
interface Finding {
  readonly source: string;
  readonly given: Given;
}

type Source = (key: string, spec: OptionSpec<unknown>) => Finding | null;

function resolve<T>(key: string, spec: OptionSpec<T>, sources: readonly Source[]): T {
  for (const source of sources) {
    const finding = source(key, spec);
    if (finding === null) continue;
    try {
      return spec.read(finding.given);
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error;
      const shown = finding.given.kind === 'texts' ? quote(finding.given.texts.join(',')) : 'the value';
      throw new UsageError(`${finding.source}: ${shown} ${error.message}`, { cause: error });
    }
  }
  if (spec.fallback === null) {
    const name = kebabCase(key);
    throw new UsageError(
      `--${name}: is missing: give --${name} ${spec.placeholder ?? ''} or set ${variableName(key)}`,
    );
  }
  return spec.fallback();
}

function fromFlag(command: Command): Source {
  return (key, spec) => {
    if (command.getOptionValueSource(key) !== 'cli') return null;
    const found: unknown = command.getOptionValue(key);
    const given = asGiven(found, spec);
    // Commander's own kinds of value are exactly those that asGiven takes.
    if (given === null) return null;
    return {
      source: given.kind === 'switch' && !given.on ? `--no-${kebabCase(key)}` : `--${kebabCase(key)}`,
      given,
    };
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): Source {
  return (key, spec) => {
    const source = variableName(key);
    const negation = variableName(`no-${key}`);
    const text = env[source] ?? '';
    const off = spec.negatable ? (env[negation] ?? '') : '';
    if (off !== '' && readSwitch(negation, off)) {
      if (text !== '') throw new UsageError(`${source}: contradicts ${negation}; set one of them`);
      return { source: negation, given: { kind: 'switch', on: false } };
    }
    if (text === '') return null;
    if (spec.placeholder === null) return { source, given: { kind: 'switch', on: readSwitch(source, text) } };
    if (spec.negatable && isOffWord(text)) return { source, given: { kind: 'switch', on: false } };
    return { source, given: { kind: 'texts', texts: [text] } };
  };
}

function fromFile(file: ConfigFile | null): Source {
  return (key, spec) => {
    const name = kebabCase(key);
    const found = file?.settings.get(name);
    const off = spec.negatable ? file?.settings.get(`no-${name}`) : undefined;
    if (file === null) return null;
    if (off !== undefined) {
      const source = `${file.path}: no-${name}`;
      if (typeof off !== 'boolean') throw new UsageError(`${source}: ${shown(off)} is not true or false`);
      if (off && found !== undefined)
        throw new UsageError(`${source}: contradicts ${name}; keep one of them`);
      if (off) return { source, given: { kind: 'switch', on: false } };
    }
    if (found === undefined) return null;
    const source = `${file.path}: ${name}`;
    const given = asGiven(found, spec);
    if (given === null) throw new UsageError(`${source}: ${shown(found)} ${wantedInFile(found, spec)}`);
    return { source, given };
  };
}

/** What a flag's or a file's value says, or null when it is of a type that the option cannot take. */
function asGiven(found: unknown, spec: OptionSpec<unknown>): Given | null {
  if (typeof found === 'boolean') {
    return spec.placeholder === null || (spec.negatable && !found) ? { kind: 'switch', on: found } : null;
  }
  if (spec.placeholder === null) return null;
  if (typeof found === 'string') return { kind: 'texts', texts: [found] };
  if (typeof found === 'number') return spec.numeric ? { kind: 'texts', texts: [String(found)] } : null;
  if (Array.isArray(found) && spec.repeatable && found.every((entry) => typeof entry === 'string')) {
    return { kind: 'texts', texts: found };
  }
  return null;
}

function wantedInFile(found: unknown, spec: OptionSpec<unknown>): string {
  if (spec.placeholder === null) return 'is not true or false';
  if (spec.repeatable) return 'is not a text or a list of texts';
  if (spec.numeric) return 'is not a number or a text';
  if (typeof found === 'number') return `is a number: text in quotes is wanted (${spec.placeholder})`;
  return `is not a text (${spec.placeholder})`;
}

function shown(found: unknown): string {
  return quote(typeof found === 'string' ? found : JSON.stringify(found));
}

function readSwitch(source: string, text: string): boolean {
  if (/^(?:true|1|yes|on)$/i.test(text)) return true;
  if (isOffWord(text)) return false;
  throw new UsageError(`${source}: ${quote(text)} is not true or false`);
}

function isOffWord(text: string): boolean {
  return /^(?:false|0|no|off)$/i.test(text);
}

function commanderOptions(key: string, spec: OptionSpec<unknown>): Option[] {
  const name = kebabCase(key);
  const notes = spec.defaultText === null ? '' : ` (default: ${spec.defaultText})`;
  const must = spec.fallback === null ? ' (required)' : '';
  const flags = spec.placeholder === null ? `--${name}` : `--${name} <${spec.placeholder}>`;
  const option = new TableOption(flags, spec, `${spec.help}${must}${notes}`).env(variableName(key));
  if (spec.repeatable) {
    option.argParser((text: string, previous: unknown) => [
      ...(Array.isArray(previous) ? (previous as unknown[]) : []),
      text,
    ]);
  }
  return spec.negatable ? [option, new Option(`--no-${name}`, `turn --${name} off`)] : [option];
}

/** Names of every option of every command of the program that `command` belongs to: one file may serve them all. */
function settingNames(command: Command): Set<string> {
  let root = command;
  while (root.parent !== null) root = root.parent;
  const names = new Set<string>();
  const collect = (from: Command): void => {
    for (const option of from.options) if (option.long) names.add(option.long.slice(2));
    from.commands.forEach(collect);
  };
  collect(root);
  for (const own of ['config', 'version', 'help']) names.delete(own);
  return names;
}
