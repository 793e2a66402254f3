import { Counter, Gauge, Registry } from 'prom-client';
import { ExportedHistogram, type LabelledBuckets } from './exported-histogram.js';

type Labels = Readonly<Record<string, string>>;
export type Series = readonly (readonly [labels: Labels, value: number])[];

/** Metrics whose values are counted elsewhere and put in when somebody asks for them. */
export class MetricSet {
  readonly registry = new Registry();

  gauge(name: string, help: string, labelNames: readonly string[] = []): (series: Series | number) => void {
    const metric = new Gauge({ name, help, labelNames: [...labelNames], registers: [this.registry] });
    return (series) => {
      metric.reset();
      if (typeof series === 'number') metric.set(series);
      else for (const [labels, value] of series) metric.set(labels, value);
    };
  }

  /** `name` ends in `_total`. */
  counter(name: string, help: string, labelNames: readonly string[] = []): (series: Series | number) => void {
    const metric = new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
    return (series) => {
      metric.reset();
      if (typeof series === 'number') metric.inc(series);
      else for (const [labels, value] of series) metric.inc(labels, value);
    };
  }

  /** `name` ends in `_seconds`; it is shown what was counted in milliseconds. */
  histogram(
    name: string,
    help: string,
    labelNames: readonly string[] = [],
  ): (series: readonly LabelledBuckets[]) => void {
    const metric = new ExportedHistogram({ name, help, labelNames });
    this.registry.registerMetric(metric);
    return (series) => metric.show(series);
  }
}
