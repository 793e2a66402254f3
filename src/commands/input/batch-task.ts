import { readJsonObject, type JsonObject } from './json-object.js';
import { MAX_NEEDS } from '../../protocol/limits.js';
import { choice } from '../options/choice.js';
import { duration } from '../options/duration.js';
import { taskKind } from '../options/identity.js';
import { integer } from '../options/integer.js';
import { type Parser, ValueProblem } from '../options/parser.js';
import { text } from '../options/text.js';
import { traceparent } from '../options/traceparent.js';
import { quote } from '../one-line.js';

/** One line of a batch: what `submit` takes as KIND, `--input` and its flags. What is not given is left out. */
export interface BatchTask {
  readonly kind: string;
  /** As parsed from JSON; the kind checks it. */
  readonly input: unknown;
  readonly priority?: number;
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly delayMs?: number;
  readonly idempotencyKey?: string;
  readonly affinity?: string;
  /** What other lines of the batch call it. */
  readonly id?: string;
  /** Lines of the batch by their `id`, or tasks by their id. */
  readonly needs?: readonly string[];
  readonly onFailedNeed?: 'fail' | 'skip';
  readonly traceparent?: string;
}

/** What is wrong with a line, without its place. */
export class BatchLineProblem extends Error {
  override readonly name = 'BatchLineProblem';
}

const FIELDS = [
  'kind',
  'input',
  'priority',
  'timeout',
  'attempts',
  'delay',
  'idempotencyKey',
  'affinity',
  'id',
  'needs',
  'onFailedNeed',
  'traceparent',
] as const;

/** Made once: a batch may have a million lines. */
const PARSERS = {
  priority: integer(0, 10),
  timeout: duration({ min: 1 }),
  attempts: integer(1, 1000),
  delay: duration(),
  key: text(256),
  id: text(64),
  onFailedNeed: choice(['fail', 'skip']),
  traceparent,
};

/**
 * Reads one line: `{"kind": "compute", "input": …, "priority": 5, "timeout": "30s", "attempts": 3, "delay": "10s",
 * "idempotencyKey": "k1", "affinity": "a", "id": "b", "needs": ["a"], "onFailedNeed": "skip"}`; `kind` and `input` must be there. Ranges are those of the flags.
 * @throws BatchLineProblem
 */
export function readBatchTask(line: string): BatchTask {
  const object = readJsonObject(line);
  if (typeof object === 'string') throw new BatchLineProblem(object);
  const unknown = Object.keys(object).find((name) => !FIELDS.some((field) => field === name));
  if (unknown !== undefined)
    throw new BatchLineProblem(`${quote(unknown)} is no field of a task (${FIELDS.join(', ')})`);
  const kind = field(object, 'kind', 'text', taskKind);
  if (kind === undefined) throw new BatchLineProblem("'kind' is missing");
  if (object['input'] === undefined) throw new BatchLineProblem("'input' is missing");
  const optional = {
    priority: field(object, 'priority', 'number', PARSERS.priority),
    timeoutMs: field(object, 'timeout', 'text', PARSERS.timeout),
    attempts: field(object, 'attempts', 'number', PARSERS.attempts),
    delayMs: field(object, 'delay', 'text', PARSERS.delay),
    idempotencyKey: field(object, 'idempotencyKey', 'text', PARSERS.key),
    affinity: field(object, 'affinity', 'text', PARSERS.key),
    id: field(object, 'id', 'text', PARSERS.id),
    needs: readNeeds(object['needs']),
    onFailedNeed: field(object, 'onFailedNeed', 'text', PARSERS.onFailedNeed),
    traceparent: field(object, 'traceparent', 'text', PARSERS.traceparent),
  };
  return { kind, input: object['input'], ...withoutUndefined(optional) };
}

function readNeeds(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0)
    throw new BatchLineProblem('needs: is not a list of ids, such as ["a"]');
  const needs = new Set<string>();
  for (const id of value) {
    if (typeof id !== 'string' || id === '' || id.length > 64)
      throw new BatchLineProblem(`needs: ${quote(JSON.stringify(id))} is not an id`);
    needs.add(id);
  }
  if (needs.size > MAX_NEEDS)
    throw new BatchLineProblem(`needs: a task may need at most ${String(MAX_NEEDS)} others`);
  return [...needs];
}

function field<T>(
  object: JsonObject,
  name: string,
  type: 'text' | 'number',
  parse: Parser<T>,
): T | undefined {
  const value = object[name];
  if (value === undefined) return undefined;
  const written = textOf(value, type);
  if (written === null)
    throw new BatchLineProblem(`${name}: ${quote(JSON.stringify(value))} is not a ${type}`);
  try {
    return parse(written);
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error;
    throw new BatchLineProblem(`${name}: ${quote(written)} ${error.message}`);
  }
}

function textOf(value: unknown, type: 'text' | 'number'): string | null {
  if (type === 'text') return typeof value === 'string' ? value : null;
  return typeof value === 'number' ? String(value) : null;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  // Only entries without a value go; the names and types of the others stay.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
