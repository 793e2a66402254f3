import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  badVectors,
  messageVectors,
  valueVectors,
  VECTORS_FOLDER,
  type BadVector,
} from '../../scripts/protocol-vectors.js';
import { decodeEnvelope, encodeFrame } from '../../src/protocol/envelope.js';
import { ERRORS, ProtocolError } from '../../src/protocol/errors.js';
import { FrameDecoder } from '../../src/protocol/frame.js';
import { isMessage, isMessageType } from '../../src/protocol/validate.js';
import { decodeValue, encodeValue } from '../../src/protocol/value.js';
import { MESSAGE_TYPES } from './arbitraries.js';

/** The committed bytes are the contract: these tests read the files, not the generator. */

type Vector = Readonly<Record<string, unknown>>;

function committed(file: string): Vector[] {
  const vectors: unknown = JSON.parse(readFileSync(join(VECTORS_FOLDER, file), 'utf8'));
  if (!Array.isArray(vectors) || !vectors.every(isVector))
    throw new Error(`${file} is not a list of vectors`);
  return vectors;
}
const isVector = (value: unknown): value is Vector =>
  typeof value === 'object' && value !== null && 'hex' in value;
const bytesOf = (hex: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(hex), 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const ARRAYS: Readonly<Record<string, (numbers: number[]) => unknown>> = {
  $float64: (numbers) => new Float64Array(numbers),
  $float32: (numbers) => new Float32Array(numbers),
  $int32: (numbers) => new Int32Array(numbers),
  $uint32: (numbers) => new Uint32Array(numbers),
  $int16: (numbers) => new Int16Array(numbers),
  $uint16: (numbers) => new Uint16Array(numbers),
  $int8: (numbers) => new Int8Array(numbers),
};

t.test('messages, both ways', (t) => {
  const seen = new Set<string>();
  for (const { name, hex, message, payloadHex } of committed('messages.json')) {
    if (typeof message !== 'object' || message === null) throw new Error(`${String(name)}: no message`);
    const candidate: Record<string, unknown> = { ...message };
    const { type } = candidate;
    if (typeof type !== 'string' || !isMessageType(type) || !isMessage(type, candidate))
      throw new Error(`${String(name)}: not a message`);
    seen.add(type);
    const payload = payloadHex === null ? null : bytesOf(payloadHex);
    t.equal(hexOf(encodeFrame(candidate, payload)), hex, `${String(name)}: encoded`);

    const bodies: Uint8Array[] = [];
    new FrameDecoder({ maxMessageBytes: 1_000_000 }).push(bytesOf(hex), (bytes, start, end) =>
      bodies.push(bytes.subarray(start, end)),
    );
    t.equal(bodies.length, 1);
    t.strictSame(
      decodeEnvelope(bodies[0] ?? new Uint8Array(0)),
      { message: candidate, payload },
      `${String(name)}: decoded`,
    );
  }
  t.same([...seen].sort(), [...MESSAGE_TYPES].sort(), 'a vector for every type');
  t.end();
});

t.test('values, both ways', (t) => {
  for (const { name, hex, value, decodeOnly } of committed('values.json')) {
    const meant = untagged(value);
    t.strictSame(decodeValue(bytesOf(hex)), meant, `${String(name)}: decoded`);
    if (decodeOnly !== true) t.equal(hexOf(encodeValue(meant)), hex, `${String(name)}: encoded`);
  }
  t.end();
});

t.test('bad bytes are refused by name', (t) => {
  for (const vector of committed('bad.json')) {
    const refused = refusalOf(vector.what, bytesOf(vector.hex));
    t.equal(refused?.name, vector.error, String(vector.name));
    t.ok(Object.hasOwn(ERRORS, String(vector.error)));
    if (vector.field !== undefined) t.equal(refused?.field, vector.field);
  }
  t.end();
});

t.test('the files are what the generator writes', (t) => {
  const same = (file: string, vectors: readonly object[]) =>
    t.strictSame(committed(file), JSON.parse(JSON.stringify(vectors)), file);
  same('messages.json', messageVectors());
  same('values.json', valueVectors());
  same('bad.json', badVectors());
  t.end();
});

function refusalOf(what: unknown, bytes: Uint8Array): ProtocolError | null {
  const read: Record<BadVector['what'], () => unknown> = {
    stream: () => new FrameDecoder({ maxMessageBytes: 67_108_864 }).push(bytes, () => undefined),
    body: () => decodeEnvelope(bytes),
    value: () => decodeValue(bytes),
  };
  try {
    if (what === 'stream' || what === 'body' || what === 'value') read[what]();
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries: [string, unknown][] = Object.entries(value);
  const [entry] = entries;
  if (entry === undefined) return value;
  const [tag, content] = entry;
  if (tag === '$bytes') return bytesOf(content);
  const make = ARRAYS[tag];
  return make === undefined || !Array.isArray(content) ? value : make(content.map(Number));
}
