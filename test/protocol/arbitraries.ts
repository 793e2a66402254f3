import fc from 'fast-check';
import { messageSchemas, type Message, type MessageType } from '../../src/protocol/messages.js';
import type { Schema } from '../../src/protocol/schema.js';
import { isMessage, isMessageType } from '../../src/protocol/validate.js';

/** Random messages, made from the schemas; with some unusual text and numbers at the limits. */

export const MESSAGE_TYPES: readonly MessageType[] = Object.keys(messageSchemas).filter(isMessageType);

export const anyMessage: fc.Arbitrary<Message> = fc.constantFrom(...MESSAGE_TYPES).chain(messageOf);

export function messageOf(type: MessageType): fc.Arbitrary<Message> {
  const schema: Schema<unknown> = messageSchemas[type];
  return fromSchema(schema).map((fields) => {
    if (typeof fields !== 'object' || fields === null) throw new Error('fields are not an object');
    const candidate: Record<string, unknown> = { type, ...fields };
    if (!isMessage(type, candidate)) throw new Error(`${JSON.stringify(candidate)} does not fit its schema`);
    return candidate;
  });
}

/** Text without half surrogates, and without a byte order mark in front, which the decoder drops from long text. */
export const anyText = (constraints: fc.StringConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', ...constraints }).filter((text) => !text.startsWith('\uFEFF'));

function fromSchema(schema: Schema<unknown>): fc.Arbitrary<unknown> {
  const limit = (keyword: string, fallback: number): number => {
    const value = schema[keyword];
    return typeof value === 'number' ? value : fallback;
  };
  if (Array.isArray(schema.enum)) {
    const choices: unknown[] = schema.enum;
    return fc.constantFrom(...choices);
  }
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.filter(isSchema).map(fromSchema));
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.maxSafeInteger().map((n) => {
        const [low, high] = [limit('minimum', -(2 ** 48)), limit('maximum', 2 ** 48)];
        return n % 5 === 0 ? high : low + (Math.abs(n) % (high - low + 1));
      });
    case 'number':
      return fc
        .double({
          min: limit('minimum', -1e300),
          max: limit('maximum', 1e300),
          noNaN: true,
          noDefaultInfinity: true,
        })
        .map((n) => (Object.is(n, -0) ? 0 : n));
    case 'string': {
      const [minLength, maxLength] = [limit('minLength', 0), Math.min(limit('maxLength', 1), 300)];
      return typeof schema.pattern === 'string'
        ? fc.stringMatching(bounded(schema.pattern, minLength, maxLength))
        : anyText({ minLength, maxLength });
    }
    case 'array': {
      if (!isSchema(schema.items)) throw new Error('no items');
      return fc.array(fromSchema(schema.items), {
        minLength: limit('minItems', 0),
        maxLength: Math.min(limit('maxItems', 1), 20),
      });
    }
    case 'object':
      return isRecord(schema.properties)
        ? fromObject(schema.properties, schema.required)
        : fromDictionary(schema);
    default:
      throw new Error(`no arbitrary for ${JSON.stringify(schema)}`);
  }
}

function fromObject(properties: Record<string, unknown>, required: unknown): fc.Arbitrary<unknown> {
  const names = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
  const models = Object.entries(properties).map(([name, property]): [string, fc.Arbitrary<unknown>] => {
    if (!isSchema(property)) throw new Error(`no schema for ${name}`);
    return [name, fromSchema(property)];
  });
  return fc.record(Object.fromEntries(models), { requiredKeys: names, noNullPrototype: true });
}

function fromDictionary(schema: Schema<unknown>): fc.Arbitrary<unknown> {
  const [values]: unknown[] = isRecord(schema.patternProperties)
    ? Object.values(schema.patternProperties)
    : [];
  if (!isSchema(values)) throw new Error('no values');
  const key = anyText({ minLength: 1, maxLength: 64 }).filter((text) => text !== '__proto__');
  return fc.dictionary(key, fromSchema(values), { maxKeys: 8, noNullPrototype: true });
}

/** The patterns end in `*` or `+`: the same with bounds on the length, for filtering would take for ever. */
function bounded(pattern: string, minLength: number, maxLength: number): RegExp {
  const limited = pattern
    .replace(/\*\$$/, `{${Math.max(0, minLength - 1)},${maxLength - 1}}$`)
    .replace(/\+\$$/, `{${minLength},${maxLength}}$`);
  return new RegExp(limited, 'u');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isSchema = (value: unknown): value is Schema<unknown> => isRecord(value);

/** Values as payloads hold them. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((n) => (Object.is(n, -0) ? 0 : n)),
    anyText(),
    fc.uint8Array(),
    fc.float64Array(),
    fc.float32Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.int16Array(),
    fc.uint16Array(),
    fc.int8Array(),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      anyText().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value;

/** A list of chunks that together are `bytes`, cut at the given places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}
