import type { Log } from '../log.js';
import { readTracingSettings } from './settings.js';
import type { SpanSink } from './spans.js';

/** Spans on their way to a collector. */
export interface Tracing extends SpanSink {
  /** Sends what has not been sent yet and lets go of it all; gives up after a moment. */
  close(): Promise<void>;
}

/**
 * Export of spans as the OTEL_* variables of this process want it; null when they want none, and then none of the
 * packages for it is loaded.
 */
export async function startTracing(
  service: { readonly name: string; readonly version: string },
  log: Log,
): Promise<Tracing | null> {
  const { endpoint, warnings } = readTracingSettings(process.env);
  for (const warning of warnings) log.warn({}, warning);
  if (endpoint === null) return null;
  const { OtlpTracing } = await import('./otlp-tracing.js');
  log.info({ endpoint }, 'exporting spans');
  return new OtlpTracing(service, endpoint, log);
}
