import { newSpanId, newTraceId, taskAttributes, type SpanSink } from '../observe/tracing/spans.js';
import { readTraceparent, SAMPLED, writeTraceparent, type TraceContext } from '../protocol/traceparent.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunListener, RunRequest, TaskRunner } from './runner.js';

/** A runner that makes a span of each run: below the span that the task came with, and above what the handler does. */
export class TracedRunner implements TaskRunner {
  readonly #runner: TaskRunner;
  readonly #spans: SpanSink;
  readonly #now: () => number;

  /** `now`: milliseconds since the Unix epoch. */
  constructor(runner: TaskRunner, spans: SpanSink, now: () => number) {
    this.#runner = runner;
    this.#spans = spans;
    this.#now = now;
  }

  get ownKinds(): readonly string[] {
    return this.#runner.ownKinds;
  }

  start(request: RunRequest, listener: RunListener): Run {
    const { taskId, kind } = request;
    const parent = parentOf(request);
    const name = `run ${kind}`;
    const place = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId(), parent };
    if (!this.#spans.samples(place, name, 'consumer')) return this.#runner.start(request, listener);
    const askedAt = this.#now();
    const traceparent = writeTraceparent({ ...place, flags: (parent?.flags ?? 0) | SAMPLED });
    return this.#runner.start(
      { ...request, traceparent },
      {
        progress: (fraction, note) => listener.progress(fraction, note),
        finished: (outcome) => {
          const endedAt = this.#now();
          this.#spans.add({
            ...place,
            name,
            kind: 'consumer',
            // not the time before it, in which it may have waited for a thread
            startedAt: outcome.outcome === 'aborted' ? askedAt : Math.max(askedAt, endedAt - outcome.runMs),
            endedAt,
            attributes: {
              ...taskAttributes(taskId, kind),
              'messaging.operation.name': 'run',
              'messaging.operation.type': 'process',
              'swarm.run.outcome': outcome.outcome,
            },
            error: errorOf(outcome),
          });
          listener.finished(outcome);
        },
      },
    );
  }
}

/** Its ids may be zero in a message of another coordinator: then it belongs to no trace. */
function parentOf({ traceparent }: RunRequest): TraceContext | null {
  if (traceparent === undefined) return null;
  const read = readTraceparent(traceparent);
  return typeof read === 'string' ? null : read;
}

const errorOf = (outcome: RunOutcome) => (outcome.outcome === 'failed' ? outcome.error : null);
