import { Histogram } from 'prom-client';
import type { Buckets } from './buckets.js';

/** One set of labels with what was counted for it. */
export interface LabelledBuckets {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: Buckets;
}

/** A histogram that is counted elsewhere and exported on demand. Counted in milliseconds, exported in seconds. */
export class ExportedHistogram extends Histogram {
  readonly #options: { readonly name: string; readonly help: string };
  #series: readonly LabelledBuckets[] = [];

  constructor(options: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
  }) {
    super({ ...options, labelNames: [...options.labelNames], registers: [] });
    this.#options = options;
  }

  show(series: readonly LabelledBuckets[]): void {
    this.#series = series;
  }

  /** What the registry asks for its text, and `get` for its list; the types of the package do not name it. */
  getForPromString() {
    const { name, help } = this.#options;
    const values = this.#series.flatMap(({ labels, buckets }) => {
      let below = 0;
      const steps = [...buckets.bounds, Infinity].map((bound, index) => {
        below += buckets.counts[index] ?? 0;
        const le = bound === Infinity ? '+Inf' : String(bound / 1000);
        return { metricName: `${name}_bucket`, value: below, labels: { ...labels, le } };
      });
      return [
        ...steps,
        { metricName: `${name}_sum`, value: buckets.sum / 1000, labels },
        { metricName: `${name}_count`, value: buckets.count, labels },
      ];
    });
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' });
  }
}
