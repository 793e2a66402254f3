import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Log } from '../log.js';

/** An exporter that tells when the collector goes away and when it is back, and nothing in between. */
export class WatchedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #endpoint: string;
  readonly #log: Log;
  /** Since it was last heard of; null while all is well. */
  #lost: number | null = null;
  #closed = false;

  constructor(exporter: SpanExporter, endpoint: string, log: Log) {
    this.#exporter = exporter;
    this.#endpoint = endpoint;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#exporter.export(spans, (result) => {
      if (!this.#closed) this.#note(result, spans.length);
      // what failed has been told, and whoever asked could only tell it again
      done(SUCCESS);
    });
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  /** Nobody waits for what is still under way. */
  close(): void {
    this.#closed = true;
    const [endpoint, lost] = [this.#endpoint, this.#lost ?? 0];
    if (lost > 0) this.#log.warn({ endpoint, lost }, 'spans were lost');
  }

  #note({ code, error }: Result, spans: number): void {
    const endpoint = this.#endpoint;
    if (code === SUCCESS.code) {
      if (this.#lost !== null) this.#log.info({ endpoint, lost: this.#lost }, 'spans are exported again');
      this.#lost = null;
      return;
    }
    if (this.#lost === null)
      this.#log.warn({ endpoint, reason: reasonOf(error) }, 'spans cannot be exported');
    this.#lost = (this.#lost ?? 0) + spans;
  }
}

type Done = Parameters<SpanExporter['export']>[1];
type Result = Parameters<Done>[0];

// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- packages of the SDK bring copies of the enumeration
const SUCCESS: Result = { code: 0 };

/** Of a host with several addresses the error has no message of its own. */
function reasonOf(error: Error | undefined): string {
  if (error === undefined) return 'unknown';
  const { message } = error;
  if (message !== '') return message;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
