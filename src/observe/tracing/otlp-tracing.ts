import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type HrTime,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type IdGenerator } from '@opentelemetry/sdk-trace-node';
import type { Log } from '../log.js';
import type { FinishedSpan, SpanPlace } from './spans.js';
import type { Tracing } from './tracing.js';
import { WatchedExporter } from './watched-exporter.js';

/** For one batch, unless a variable says otherwise: a collector that is away holds up the end of a process for as long. */
const EXPORT_TIMEOUT_MS = 3_000;
const TIMEOUT_VARIABLES = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'] as const;
/** What the last spans may take of the time that a process takes to stop. */
const CLOSE_TIMEOUT_MS = EXPORT_TIMEOUT_MS + 500;

const KINDS = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Spans through the SDK of OpenTelemetry: its sampler, limits, batches and exporter, each with its variables. A batch
 * waits in bounded memory (OTEL_BSP_MAX_QUEUE_SIZE); spans beyond it are dropped.
 */
export class OtlpTracing implements Tracing {
  readonly #provider: NodeTracerProvider;
  readonly #exporter: WatchedExporter;
  readonly #tracer: Tracer;
  readonly #ids = new GivenIds();

  /** `endpoint`: for the log; the exporter reads the variables itself. */
  constructor(service: { readonly name: string; readonly version: string }, endpoint: string, log: Log) {
    tellOnce(log);
    const own = resourceFromAttributes({ 'service.name': service.name, 'service.version': service.version });
    this.#exporter = new WatchedExporter(otlpExporter(), endpoint, log);
    this.#provider = new NodeTracerProvider({
      resource: defaultResource()
        .merge(own)
        .merge(detectResources({ detectors: [envDetector] })),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor(this.#exporter)],
    });
    this.#tracer = this.#provider.getTracer('quic-swarm', service.version);
  }

  samples(place: SpanPlace, name: string, kind: FinishedSpan['kind']): boolean {
    this.#ids.next = place;
    // never ended, and so never exported: it only tells what the sampler says
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind] }, contextOf(place));
    return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  add(finished: FinishedSpan): void {
    const { name, kind, startedAt, endedAt, attributes, error } = finished;
    this.#ids.next = finished;
    const span = this.#tracer.startSpan(
      name,
      { kind: KINDS[kind], startTime: hrTime(startedAt), attributes },
      contextOf(finished),
    );
    if (error !== null) {
      span.setAttribute('error.type', error.name);
      span.setStatus({ code: SpanStatusCode.ERROR, message: `${error.name}: ${error.message}` });
    }
    span.end(hrTime(Math.max(startedAt, endedAt)));
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    // what could not be sent, the exporter has told
    const shutdown = this.#provider.shutdown().catch(() => undefined);
    await Promise.race([shutdown, timeout]);
    clearTimeout(timer);
    this.#exporter.close();
  }
}

/** Where to, with what headers and certificates: it reads the variables itself. */
function otlpExporter(): OTLPTraceExporter {
  const isSet = TIMEOUT_VARIABLES.some((name) => (process.env[name] ?? '') !== '');
  return new OTLPTraceExporter(isSet ? {} : { timeoutMillis: EXPORT_TIMEOUT_MS });
}

/** The ids are given from outside. */
class GivenIds implements IdGenerator {
  next: SpanPlace = { traceId: '', spanId: '', parent: null };
  readonly generateTraceId = (): string => this.next.traceId;
  readonly generateSpanId = (): string => this.next.spanId;
}

function contextOf({ parent }: SpanPlace): Context {
  if (parent === null) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

/** Always from the epoch: the SDK takes a number from before the start of the process for an offset to that. */
function hrTime(at: number): HrTime {
  const nanoseconds = Math.round((at % 1000) * 1e6);
  const seconds = Math.floor(at / 1000);
  return nanoseconds === 1e9 ? [seconds + 1, 0] : [seconds, nanoseconds];
}

/** Texts of the SDK that are remembered, so as to tell each once. */
const MAX_TOLD = 64;

/** Each complaint of the SDK once, whatever the numbers in it. Failed exports are told by the exporter. */
function tellOnce(log: Log): void {
  const told = new Set<string>();
  const tell = (text: string) => {
    const gist = text.replace(/\d+/g, '#');
    if (told.has(gist) || told.size >= MAX_TOLD) return;
    told.add(gist);
    log.warn({}, `tracing: ${text}`);
  };
  const quiet = () => undefined;
  diag.setLogger(
    { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
