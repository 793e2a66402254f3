import { decodeValue, encodeValue } from '../../../protocol/value.js';
import { nullable, number, object, optional, string } from '../../../protocol/schema.js';
import { checker } from '../../../protocol/validate.js';
import { checkVector, type Pattern } from '../../../reasoning/patterns/pattern.js';

/** The form of a pattern on disk. */

const text = string({ minLength: 1, maxLength: 512 });
const record = object({
  taskId: text,
  agentId: text,
  points: number({ minimum: 2 }),
  recordedAt: number({}),
  expected: nullable(number({})),
  confidence: nullable(number({ minimum: 0, maximum: 1 })),
  outcome: nullable(object({ actual: optional(number({})), value: optional(number({})) })),
});
const isRecord = checker(record);

export function encodePattern(pattern: Pattern): Uint8Array {
  return encodeValue(pattern);
}

/** Null for what is no pattern: bytes on disk may be damaged. */
export function decodePattern(bytes: Uint8Array): Pattern | null {
  try {
    const value: unknown = decodeValue(bytes);
    if (!isRecord(value)) return null;
    const vector: unknown = 'vector' in value ? value.vector : null;
    if (!(vector instanceof Float32Array)) return null;
    checkVector(vector);
    const { taskId, agentId, points, recordedAt, expected, confidence } = value;
    // a copy: the vector may be a view into a page of many
    const facts = { taskId, agentId, points, recordedAt, expected, confidence, vector: vector.slice() };
    const { actual, value: worth } = value.outcome ?? {};
    if (actual !== undefined) return { ...facts, outcome: { actual } };
    return { ...facts, outcome: worth === undefined ? null : { value: worth } };
  } catch {
    return null;
  }
}
