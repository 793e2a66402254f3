import { encodeValue } from '../protocol/value.js';
import { TaskInputError } from './kind.js';

/**
 * Inputs that name the results of other tasks: a map `{"$result": taskId}` stands for the result of that task, and with
 * `"at"`, a JSON pointer (RFC 6901) such as `/columns/rsi_14`, for a part of it. It may stand anywhere in an input.
 */

/** The key that makes a map stand for a result. */
const RESULT = '$result';
/** No value that travels nests deeper; what does is refused when it is encoded. */
const MAX_DEPTH = 64;

interface NamedResult {
  /** Where in the input. */
  readonly path: string;
  readonly taskId: string;
  /** Empty: all of it. */
  readonly at: string;
}

/** The results that an input names, in order. @throws TaskInputError for a map with `$result` that is none. */
export function namedResults(input: unknown): NamedResult[] {
  const found: NamedResult[] = [];
  replaceNamed(input, '', 0, (named) => {
    found.push(named);
    return null;
  });
  return found;
}

/** A decoded result, or a part of one, and the bytes it takes when it is encoded. */
interface Sized {
  readonly value: unknown;
  readonly bytes: number;
}

/**
 * The input with each named result in its place. `resultOf` gives undefined for a task without one. `maxBytes`: of all that
 * is put in, encoded; an input of some kilobytes can name a large result very often.
 * @throws TaskInputError for a result, or a part of it, that is not there, and for too much of them.
 */
export function insertResults(
  input: unknown,
  resultOf: (taskId: string) => Sized | undefined,
  maxBytes: number,
): unknown {
  const results = new Map<string, Sized>();
  const parts = new Map<string, Sized>();
  let room = maxBytes;
  return replaceNamed(input, '', 0, ({ path, taskId, at }) => {
    const result = results.get(taskId) ?? resultOf(taskId);
    if (result === undefined) throw new TaskInputError(path, `there is no result of '${taskId}'`);
    results.set(taskId, result);
    let part = at === '' ? result : parts.get(taskId + at);
    if (part === undefined) {
      const value = partOf(result.value, path, taskId, at);
      part = { value, bytes: encodeValue(value).byteLength };
      parts.set(taskId + at, part);
    }
    room -= part.bytes;
    if (room < 0)
      throw new TaskInputError(path, `the results named up to here take more than ${maxBytes} bytes`);
    return part.value;
  });
}

/** The input with other names for tasks; a name that `idOf` does not know stays. */
export function renameResults(input: unknown, idOf: (name: string) => string | undefined): unknown {
  return replaceNamed(input, '', 0, ({ taskId, at }) => ({
    [RESULT]: idOf(taskId) ?? taskId,
    ...(at === '' ? {} : { at }),
  }));
}

/** Parts without a named result are taken over as they are. */
function replaceNamed(
  value: unknown,
  path: string,
  depth: number,
  replace: (named: NamedResult) => unknown,
): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > MAX_DEPTH)
    return value;
  if (Array.isArray(value)) {
    let copy: unknown[] | null = null;
    for (const [i, item] of value.entries()) {
      // most are long lists of numbers
      if (typeof item !== 'object') continue;
      const replaced = replaceNamed(item, `${path}[${i}]`, depth + 1, replace);
      if (replaced !== item) (copy ??= [...(value as unknown[])])[i] = replaced;
    }
    return copy ?? value;
  }
  if (Object.hasOwn(value, RESULT)) return replace(readNamed(value, path));
  let copy: Record<string, unknown> | null = null;
  for (const [key, item] of Object.entries(value)) {
    const replaced = replaceNamed(item, path === '' ? key : `${path}.${key}`, depth + 1, replace);
    if (replaced !== item) (copy ??= { ...value })[key] = replaced;
  }
  return copy ?? value;
}

function readNamed(value: object, path: string): NamedResult {
  const { [RESULT]: taskId, at = '', ...others } = value as Readonly<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new TaskInputError(path, `'${other}' does not go with '${RESULT}'`);
  if (typeof taskId !== 'string' || taskId === '' || taskId.length > 64)
    throw new TaskInputError(path, `'${RESULT}' is not the id of a task`);
  if (typeof at !== 'string' || !/^(?:\/(?:[^~/]|~[01])*)*$/.test(at))
    throw new TaskInputError(path, "'at' is not a JSON pointer (such as /columns/rsi_14)");
  return { path, taskId, at };
}

function partOf(result: unknown, path: string, taskId: string, at: string): unknown {
  let part = result;
  for (const token of at.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key))
      throw new TaskInputError(path, `the result of '${taskId}' has nothing at '${at}'`);
    part = (part as Readonly<Record<string, unknown>>)[key];
  }
  return part;
}
