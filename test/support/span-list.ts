import type { FinishedSpan, SpanPlace, SpanSink } from '../../src/observe/tracing/spans.js';

/** Spans in memory. */
export class SpanList implements SpanSink {
  readonly spans: FinishedSpan[] = [];
  readonly #wanted: (place: SpanPlace) => boolean;

  constructor(wanted: (place: SpanPlace) => boolean = () => true) {
    this.#wanted = wanted;
  }

  samples(place: SpanPlace): boolean {
    return this.#wanted(place);
  }

  add(span: FinishedSpan): void {
    this.spans.push(span);
  }

  /** All of one name. */
  named(name: string): FinishedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** The one of this name. */
  one(name: string): FinishedSpan {
    const [span, ...others] = this.named(name);
    if (span === undefined || others.length > 0)
      throw new Error(`not one '${name}' among ${this.spans.map((one) => one.name).join(', ')}`);
    return span;
  }
}
