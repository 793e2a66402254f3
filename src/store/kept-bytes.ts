import type { ErrorDetail } from '../protocol/messages.js';

/** An error as it is kept: JSON text. */
export function errorText(error: ErrorDetail): string {
  const { name, message, retryable } = error;
  return JSON.stringify({ name, message, retryable });
}

/** What a finished task weighs against the bound in bytes of a RetentionRule: its input, its result and its error. */
export function keptBytes(
  input: Uint8Array | null,
  result: Uint8Array | null,
  error: ErrorDetail | null,
): number {
  const errorBytes = error === null ? 0 : Buffer.byteLength(errorText(error));
  return (input?.byteLength ?? 0) + (result?.byteLength ?? 0) + errorBytes;
}
