import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorEntry } from '../src/protocol/errors.js';
import * as limits from '../src/protocol/limits.js';
import { messageSchemas } from '../src/protocol/messages.js';
import { messageRules, type MessageRule } from '../src/protocol/rules.js';
import type { ObjectSchema, Schema } from '../src/protocol/schema.js';
import { messageVectors } from './protocol-vectors.js';

/**
 * Writes the tables of docs/protocol.md between their markers, from the schemas, rules and error table that the
 * program itself runs on. Run it from the top of the repository after a change of these; a test compares.
 */

export const DOCUMENT = 'docs/protocol.md';

const sections: Readonly<Record<string, () => string>> = {
  limits: limitTable,
  extensions: extensionTable,
  overview: overviewTable,
  messages: messageSections,
  errors: errorTable,
  example,
};

/** The document with all generated parts made anew. Throws when a marker is missing. */
export function withGeneratedParts(document: string): string {
  let result = document;
  for (const [name, generate] of Object.entries(sections)) {
    const [begin, end] = [`<!-- generated: ${name} -->\n`, `<!-- end of ${name} -->`];
    const from = result.indexOf(begin);
    const to = result.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${DOCUMENT}: the markers of '${name}' are missing`);
    result = `${result.slice(0, from + begin.length)}\n${generate()}\n\n${result.slice(to)}`;
  }
  return result;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function limitTable(): string {
  const bytes = (n: number) => (n % 1_048_576 === 0 ? `${n / 1_048_576} MiB` : `${n / 1024} KiB`);
  return table(
    ['limit', 'value'],
    [
      ['body of a frame, before the handshake is accepted', bytes(limits.MAX_HANDSHAKE_BYTES)],
      [
        'body of a frame after it, unless the acknowledgement says otherwise',
        bytes(limits.DEFAULT_MAX_MESSAGE_BYTES),
      ],
      [
        'payload above which a message gets a stream of its own, unless the acknowledgement says otherwise',
        bytes(limits.OWN_STREAM_THRESHOLD_BYTES),
      ],
      ['time for the handshake message to arrive', `${limits.HANDSHAKE_TIMEOUT_MS / 1000} s`],
      ['maps and arrays inside each other, in one MessagePack value', `${limits.MAX_DEPTH}`],
      ['values in one MessagePack value, keys included', `${limits.MAX_VALUES}`],
      ['tasks at once of one agent', `${limits.MAX_CONCURRENCY}`],
    ],
  );
}

function extensionTable(): string {
  return table(
    ['type', 'elements', 'bytes of one'],
    limits.EXTENSIONS.map(({ type, name, bytes }) => [`${type}`, name, `${bytes}`]),
  );
}

function overviewTable(): string {
  return table(
    ['message', 'from', 'on', 'payload', 'what for'],
    ruleEntries().map(([type, { from, on, payload, purpose }]) => [
      `[${type}](#${type.toLowerCase()})`,
      from.join(', '),
      on.join(', '),
      payload.need === 'none' ? '-' : payload.need === 'required' ? 'yes' : 'by state',
      purpose,
    ]),
  );
}

function messageSections(): string {
  const schemas: Readonly<Record<string, ObjectSchema<unknown>>> = messageSchemas;
  return ruleEntries()
    .map(([type, rule]) => {
      const schema = schemas[type];
      if (schema === undefined) throw new Error(`no schema for ${type}`);
      return messageSection(type, rule, schema);
    })
    .join('\n\n');
}

const ruleEntries = (): [string, MessageRule][] => Object.entries(messageRules);

function messageSection(type: string, rule: MessageRule, schema: ObjectSchema<unknown>): string {
  return [
    `### ${type}`,
    '',
    rule.purpose,
    '',
    `- From: ${rule.from.join(', ')}. Stream: ${rule.on.join(', ')}.`,
    `- Payload: ${rule.payload.need === 'none' ? 'none' : rule.payload.what}.`,
    `- Answer: ${rule.answer === '-' ? 'none' : rule.answer}.`,
    '',
    table(['field', 'type', 'range', 'required', 'what'], fieldRows(schema, '')),
  ].join('\n');
}

function fieldRows(schema: ObjectSchema<unknown>, prefix: string): string[][] {
  return Object.entries(schema.properties).flatMap(([name, field]) => {
    const { inner, orNull } = withoutNull(field);
    const path = `${prefix}${name}`;
    const row = [
      `\`${path}\``,
      typeName(inner) + (orNull ? ' or null' : ''),
      range(inner),
      schema.required.includes(name) ? 'yes' : 'no',
      field.description ?? inner.description ?? '',
    ];
    const items = inner.type === 'array' ? itemsOf(inner) : null;
    if (isObject(inner)) return [row, ...fieldRows(inner, `${path}.`)];
    if (items !== null && isObject(items)) return [row, ...fieldRows(items, `${path}[].`)];
    return [row];
  });
}

function typeName(schema: Schema<unknown>): string {
  if (schema.enum !== undefined) return 'text';
  if (Array.isArray(schema.anyOf)) return 'number, text, boolean or null';
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'object':
      return isObject(schema) ? 'map' : `map of ${typeName(valuesOf(schema))}`;
    case 'array': {
      const items = itemsOf(schema);
      return isObject(items) ? 'list of maps' : `list of ${typeName(items)}`;
    }
    default:
      return String(schema.type);
  }
}

/** Exponents for the powers that serve as upper limits. */
const POWERS = new Map([31, 32, 40, 48].map((exponent) => [2 ** exponent, `2^${exponent}`]));
POWERS.set(2 ** 32 - 1, '2^32-1');

function range(schema: Schema<unknown>): string {
  const {
    enum: choices,
    minimum,
    maximum,
    minLength,
    maxLength,
    pattern,
    minItems,
    maxItems,
    maxProperties,
  } = schema;
  const number = (value: unknown) => (typeof value === 'number' ? (POWERS.get(value) ?? String(value)) : '');
  const parts: string[] = [];
  if (Array.isArray(choices)) parts.push(choices.map((choice) => `\`${String(choice)}\``).join(', '));
  if (Array.isArray(schema.anyOf)) parts.push('text to 256 characters');
  if (minimum !== undefined || maximum !== undefined) parts.push(`${number(minimum)} to ${number(maximum)}`);
  if (maxLength !== undefined) parts.push(`${number(minLength ?? 0)} to ${number(maxLength)} characters`);
  if (typeof pattern === 'string') parts.push(`\`${pattern}\``);
  if (maxItems !== undefined) {
    const items = range(itemsOf(schema));
    parts.push(
      `${number(minItems ?? 0)} to ${number(maxItems)} items${items === '' ? '' : `, each ${items}`}`,
    );
  }
  if (maxProperties !== undefined) parts.push(`to ${number(maxProperties)} names of 1 to 64 characters`);
  return parts.join('; ');
}

function errorTable(): string {
  const entries: [string, ErrorEntry][] = Object.entries(ERRORS);
  return table(
    ['code', 'name', 'the connection', 'try again', 'meaning'],
    entries.map(([name, { code, fatal, permanent, meaning }]) => [
      `0x${code.toString(16).padStart(2, '0')}`,
      name,
      fatal ? 'is closed' : 'goes on',
      permanent ? 'never' : 'later',
      meaning,
    ]),
  );
}

/** The frame of the vector 'AgentTask, compute echo', token by token. */
function example(): string {
  const vector = messageVectors().find(({ name }) => name === 'AgentTask, compute echo');
  if (vector === undefined) throw new Error('the example has no vector');
  const bytes = Buffer.from(vector.hex, 'hex');
  const lines = [`${hex(bytes, 0, 4).padEnd(COLUMN)}length of the body: ${bytes.readUInt32BE(0)}`];
  for (let at = 4; at < bytes.length;) {
    const [length, meaning] = token(bytes, at);
    lines.push(...explained(bytes, at, length, meaning));
    at += length;
  }
  return ['```', ...lines, '```'].join('\n');
}

const COLUMN = 54;
const hex = (bytes: Buffer, at: number, length: number) =>
  bytes
    .subarray(at, at + length)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');

function explained(bytes: Buffer, at: number, length: number, meaning: string): string[] {
  const perLine = 16;
  const rows = Array.from({ length: Math.ceil(length / perLine) }, (_, row) =>
    hex(bytes, at + row * perLine, Math.min(perLine, length - row * perLine)),
  );
  return rows.map((row, index) => (index === rows.length - 1 ? `${row.padEnd(COLUMN)}${meaning}` : row));
}

/** Length and meaning of the token at `at`; only the forms that the example uses. */
function token(bytes: Buffer, at: number): [length: number, meaning: string] {
  const byte = bytes[at] ?? 0;
  if (byte < 0x80) return [1, `${byte}`];
  if (byte < 0x90) return [1, `map of ${byte & 15}`];
  if (byte < 0xa0) return [1, `array of ${byte & 15}`];
  const text = (header: number, length: number): [number, string] => [
    header + length,
    `"${bytes.toString('utf8', at + header, at + header + length)}"`,
  ];
  if (byte < 0xc0) return text(1, byte & 31);
  switch (byte) {
    case 0xd9:
      return text(2, bytes[at + 1] ?? 0);
    case 0xce:
      return [5, `${bytes.readUInt32BE(at + 1)}`];
    case 0xc4:
      return [2, `byte string of ${bytes[at + 1] ?? 0}: the payload, here a value`];
    default:
      throw new Error(`the example has a token that cannot be explained: 0x${byte.toString(16)}`);
  }
}

const isSchema = (value: unknown): value is Schema<unknown> => typeof value === 'object' && value !== null;

function isObject(schema: Schema<unknown>): schema is ObjectSchema<unknown> {
  return schema.type === 'object' && schema.properties !== undefined;
}

function itemsOf(schema: Schema<unknown>): Schema<unknown> {
  if (!isSchema(schema.items)) throw new Error('a list without a schema for its items');
  return schema.items;
}

function valuesOf(schema: Schema<unknown>): Schema<unknown> {
  const [values]: unknown[] = isSchema(schema.patternProperties)
    ? Object.values(schema.patternProperties)
    : [];
  if (!isSchema(values)) throw new Error('a map without a schema for its values');
  return values;
}

/** `nullable` makes a choice of two, the second null. */
function withoutNull(schema: Schema<unknown>): { inner: Schema<unknown>; orNull: boolean } {
  const choices: unknown[] = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  const [inner] = choices;
  return choices.length === 2 && isSchema(inner) ? { inner, orNull: true } : { inner: schema, orNull: false };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, withGeneratedParts(readFileSync(DOCUMENT, 'utf8')));
}
