import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { UsageError } from '../exit.js';
import { findJsonFault } from '../input/json-fault.js';
import { fileProblem, oneLine, quote } from '../one-line.js';
import { kebabCase } from './spec.js';

/** A configuration is a page of text; more is a mistake in the path. */
const MAX_BYTES = 1024 * 1024;

/** Settings of a file by the kebab-case name of their flag. */
export interface ConfigFile {
  readonly path: string;
  readonly settings: ReadonlyMap<string, unknown>;
}

/**
 * Reads `--config FILE`: JSON when the name ends in `.json`, else YAML 1.2. One flat map; keys are flag names in
 * kebab-case or camelCase. `known` are the kebab-case names that the program has; another key is refused, so that a
 * misspelt one is not silently without effect.
 *
 * @throws UsageError that names the file, and the key or the line and column
 */
export async function readConfigFile(path: string, known: ReadonlySet<string>): Promise<ConfigFile> {
  const content = await parse(path, readText(path));
  if (content === null || content === undefined) return { path, settings: new Map() };
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError(`${path}: is not a map of settings (such as listen: 127.0.0.1:5000)`);
  }
  const settings = new Map<string, unknown>();
  for (const [key, setting] of Object.entries(content)) {
    const name = kebabCase(key);
    if (!known.has(name) || /^[A-Z]|_/.test(key)) {
      throw new UsageError(
        `${path}: ${quote(key)} is no setting (use the flags' names, such as listen or log-level)`,
      );
    }
    if (settings.has(name)) throw new UsageError(`${path}: ${name}: is given twice`);
    settings.set(name, setting);
  }
  return { path, settings };
}

function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    if (statSync(path).size > MAX_BYTES) throw new UsageError(`--config: ${path}: is longer than 1 MiB`);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--config: ${path}: ${fileProblem(error)}`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`--config: ${path}: is not UTF-8 text`, { cause: error });
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  if (extname(path).toLowerCase() === '.json') {
    const fault = findJsonFault(text);
    if (fault !== null) {
      throw new UsageError(`${path}:${fault.line}:${fault.column}: is not JSON: ${fault.problem}`);
    }
    return JSON.parse(text);
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const start = error.linePos?.[0];
    const place = start === undefined ? path : `${path}:${start.line}:${start.col}`;
    const [problem = ''] = error.message.split(/ at line |\n/);
    throw new UsageError(`${place}: is not YAML: ${oneLine(problem)}`);
  }
  try {
    return document.toJS();
  } catch (cause) {
    throw new UsageError(
      `${path}: is not YAML: ${cause instanceof Error ? oneLine(cause.message) : 'unreadable'}`,
      { cause },
    );
  }
}
