import { findJsonFault } from './json-fault.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A line as a JSON object, or what is wrong with it. */
export function readJsonObject(line: string): JsonObject | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const fault = findJsonFault(line);
    return fault === null
      ? 'is not JSON: too deeply nested'
      : `is not JSON at column ${fault.column}: ${fault.problem}`;
  }
  return isObject(value) ? value : 'is not a JSON object, such as {"kind": "compute", "input": {…}}';
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
