import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, isRecord } from './checks.js';
import { BUILT_IN_FUNCTIONS, FUNCTION_NAME } from './compute/kind.js';
import type { TaskContext, TaskHandler } from './kind.js';
import { taskKinds } from './registry.js';

/** A function of the user's for `compute`: gets the task's `input` and what every handler gets; may be async. */
export type ComputeFunction = (input: unknown, context: TaskContext) => unknown;

/** A handler of the user's for one kind. */
export interface UserKind {
  readonly handler: TaskHandler;
  /** Checks and converts the input before the handler sees it. A built-in kind keeps its own check instead. */
  readonly parseInput: ((input: unknown) => unknown) | undefined;
}

/** Any function of the user's: all that can be known of one before it is called is that it is one. */
export type UserFunction = (...parameters: unknown[]) => unknown;

/** What a handlers file brings. */
export interface UserHandlers {
  /** For `compute`, by name. */
  readonly functions: ReadonlyMap<string, ComputeFunction>;
  /** By name of the kind: new kinds, and replacements of the handlers of built-in ones. */
  readonly kinds: ReadonlyMap<string, UserKind>;
  /** For agents of type `reasoning`: in the place of the built-in judge. */
  readonly judge: UserFunction | undefined;
  /** For agents of type `reasoning`: draws lessons from what was judged. */
  readonly distiller: UserFunction | undefined;
}

/** The handlers file is missing, cannot be imported, or exports something that is not a handler. */
export class HandlersFileError extends Error {
  override readonly name = 'HandlersFileError';
  constructor(
    readonly file: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`'${file}': ${problem}`, options);
  }
}

/** Kinds in one file; with the built-in ones they stay under the 64 that an AgentHandshake can name. */
const MAX_KINDS = 48;
const KIND_NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Imports a handlers file (an ES module) and checks what it exports: `functions`, `kinds`, `judge` and `distiller`, as
 * named exports or as properties of the default export. Its top level runs: load only files you trust.
 *
 * @throws HandlersFileError with one sentence that names the file, the export and what to do.
 */
export async function loadHandlersFile(file: string): Promise<UserHandlers> {
  const path = resolve(file);
  try {
    await access(path);
  } catch (cause) {
    throw new HandlersFileError(file, `cannot be read; looked for ${path}`, { cause });
  }
  let module: unknown;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new HandlersFileError(file, `cannot be imported as an ES module: ${reason.replace(/\s+/g, ' ')}`, {
      cause,
    });
  }
  return checkHandlers(file, module);
}

/** The check of loadHandlersFile on a module that is already imported. */
export function checkHandlers(file: string, module: unknown): UserHandlers {
  const functions = new Map<string, ComputeFunction>();
  for (const [name, value] of exported(file, module, 'functions')) {
    functions.set(checkFunctionName(file, name), checkFunction(file, `functions.${name}`, value));
  }
  const kinds = new Map<string, UserKind>();
  for (const [name, value] of exported(file, module, 'kinds')) {
    kinds.set(checkKindName(file, name), checkKind(file, name, value));
  }
  const judge = checkReasoning(file, module, 'judge');
  const distiller = checkReasoning(file, module, 'distiller');
  if (functions.size === 0 && kinds.size === 0 && judge === undefined && distiller === undefined) {
    throw new HandlersFileError(
      file,
      'exports no handler; export `functions` (name to function, for compute), `kinds` (name of the kind to handler), `judge` or `distiller`',
    );
  }
  if (kinds.size > MAX_KINDS)
    throw new HandlersFileError(file, `has ${kinds.size} kinds; at most ${MAX_KINDS} fit`);
  return { functions, kinds, judge, distiller };
}

function exported(file: string, module: unknown, name: 'functions' | 'kinds'): [string, unknown][] {
  const entries = new Map<string, unknown>();
  for (const value of exportsOf(module, name)) {
    if (!isRecord(value)) {
      throw new HandlersFileError(
        file,
        `\`${name}\` must be an object of names and handlers; it is ${describe(value)}`,
      );
    }
    for (const [key, entry] of Object.entries(value)) entries.set(key, entry);
  }
  return [...entries];
}

/** The named export comes last and so wins over a property of the default export. */
function exportsOf(module: unknown, name: string): unknown[] {
  return [isRecord(module) ? module['default'] : undefined, module].flatMap((holder) => {
    const value = isRecord(holder) ? holder[name] : undefined;
    return value === undefined ? [] : [value];
  });
}

function checkReasoning(
  file: string,
  module: unknown,
  name: 'judge' | 'distiller',
): UserFunction | undefined {
  const values = exportsOf(module, name);
  return values.length === 0 ? undefined : checkFunction(file, name, values.at(-1));
}

function checkFunctionName(file: string, name: string): string {
  if (!FUNCTION_NAME.test(name)) {
    throw new HandlersFileError(
      file,
      `functions: '${name.slice(0, 64)}' is not a name; use a letter or _, then letters, digits, _ . : - (at most 128)`,
    );
  }
  if (BUILT_IN_FUNCTIONS.some((builtIn) => builtIn === name)) {
    throw new HandlersFileError(
      file,
      `functions.${name}: is built in and cannot be replaced; choose another name`,
    );
  }
  return name;
}

function checkKindName(file: string, name: string): string {
  if (!KIND_NAME.test(name)) {
    throw new HandlersFileError(
      file,
      `kinds: '${name.slice(0, 64)}' is not a kind; use a small letter, then small letters, digits and - (at most 64)`,
    );
  }
  if (name === 'compute') {
    throw new HandlersFileError(file, 'kinds.compute: cannot be replaced; export `functions` to add to it');
  }
  return name;
}

function checkKind(file: string, name: string, value: unknown): UserKind {
  const path = `kinds.${name}`;
  if (!isRecord(value)) return { handler: checkFunction(file, path, value), parseInput: undefined };
  for (const key of Object.keys(value)) {
    if (key === 'handler' || key === 'parseInput') continue;
    throw new HandlersFileError(
      file,
      `${path}.${key.slice(0, 64)}: is not known; known are handler, parseInput`,
    );
  }
  const { parseInput } = value;
  if (parseInput !== undefined && taskKinds.has(name)) {
    throw new HandlersFileError(
      file,
      `${path}.parseInput: a built-in kind keeps its own check, which the coordinator makes too; remove it`,
    );
  }
  return {
    handler: checkFunction(file, `${path}.handler`, value['handler']),
    parseInput: parseInput === undefined ? undefined : checkFunction(file, `${path}.parseInput`, parseInput),
  };
}

function checkFunction(file: string, path: string, value: unknown): UserFunction {
  if (!isFunction(value))
    throw new HandlersFileError(file, `${path}: must be a function; it is ${describe(value)}`);
  return value;
}

function isFunction(value: unknown): value is UserFunction {
  return typeof value === 'function';
}
