import { RANDOM, SAMPLED, writeTraceparent } from '../protocol/traceparent.js';
import type { TaskRequest } from './task.js';

/** Where `@opentelemetry/api` keeps what a process has set up with it, whatever copy of the package did so. */
const API_GLOBAL = Symbol.for('opentelemetry.js.api.1');

/** OpenTelemetry is set up in this process, so there may be an active span. */
export const isTraced = (): boolean => API_GLOBAL in globalThis;

/**
 * Submits within a span of its own when a span is active: a child of that, and the parent of the task. The tracer is the
 * process's own, so the span goes where its others go.
 */
export async function inSubmitSpan<T extends { readonly taskId: string }>(
  request: TaskRequest,
  submit: (request: TaskRequest) => Promise<T>,
): Promise<T> {
  const { isSpanContextValid, SpanKind, SpanStatusCode, trace } = await import('@opentelemetry/api');
  if (trace.getActiveSpan() === undefined) return submit(request);
  const span = trace.getTracer('quic-swarm').startSpan(`submit ${request.kind}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      'messaging.system': 'quic_swarm',
      'messaging.operation.name': 'submit',
      'messaging.operation.type': 'send',
      'messaging.destination.name': request.kind,
    },
  });
  const context = span.spanContext();
  const traceparent = writeTraceparent({ ...context, flags: context.traceFlags & (SAMPLED | RANDOM) });
  try {
    const task = await submit(isSpanContextValid(context) ? { ...request, traceparent } : request);
    span.setAttribute('messaging.message.id', task.taskId);
    return task;
  } catch (error) {
    span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
    throw error;
  } finally {
    span.end();
  }
}
