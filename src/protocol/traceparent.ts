/**
 * The `traceparent` of W3C Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/): which trace something
 * belongs to, and which span it came from.
 */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero: the span that is the parent of what follows. */
  readonly spanId: string;
  /** SAMPLED and RANDOM; no other bit has a meaning yet. */
  readonly flags: number;
}

/** The trace is recorded. */
export const SAMPLED = 1;
/** The last 7 bytes of the trace id are random. */
export const RANDOM = 2;

/** Written out, of version 00: what travels. */
export const TRACEPARENT_LENGTH = 55;

const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;
const EXAMPLE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/**
 * Reads a traceparent by the rules of the standard: of a version after 00 the first four fields, and of the flags those
 * that are known. Else it says what is wrong.
 */
export function readTraceparent(text: string): TraceContext | string {
  const [, version, traceId, spanId, flags, more] = FIELDS.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return `is not version, trace id, parent id and flags in lower-case hex, such as ${EXAMPLE}`;
  if (version === 'ff') return 'has the version ff, which is none';
  if (version === '00' && more !== undefined) return 'has more than the four fields of version 00';
  if (isZero(traceId)) return 'has a trace id of zeros';
  if (isZero(spanId)) return 'has a parent id of zeros';
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & (SAMPLED | RANDOM) };
}

/** As version 00. */
export function writeTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${flags.toString(16)}`;
}

const isZero = (hex: string): boolean => /^0*$/.test(hex);
