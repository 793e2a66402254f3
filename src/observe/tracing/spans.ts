import { createHash, randomBytes } from 'node:crypto';
import type { TraceContext } from '../../protocol/traceparent.js';

/** Where in a trace a span stands: with `parent` null it is the first of its trace. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: TraceContext | null;
}

/** A span that is over. Times: milliseconds since the Unix epoch. */
export interface FinishedSpan extends SpanPlace {
  readonly name: string;
  /** producer: hands work on; consumer: takes it. */
  readonly kind: 'internal' | 'producer' | 'consumer';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly error: { readonly name: string; readonly message: string } | null;
}

/** Takes spans. Neither call waits or throws. */
export interface SpanSink {
  /** Whether the spans below this place are to be recorded. The same place, name and kind always give the same answer. */
  samples(place: SpanPlace, name: string, kind: FinishedSpan['kind']): boolean;
  add(span: FinishedSpan): void;
}

/** Of the messaging conventions of OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/messaging/): what a task is as a message. */
export function taskAttributes(taskId: string, kind: string): Readonly<Record<string, string | number>> {
  return {
    'messaging.system': 'quic_swarm',
    'messaging.destination.name': kind,
    'messaging.message.id': taskId,
  };
}

export const newTraceId = (): string => randomBytes(16).toString('hex');
export const newSpanId = (): string => randomBytes(8).toString('hex');

/** The same id for the same name, so that spans find their parents again after a restart. */
export function spanIdOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}
