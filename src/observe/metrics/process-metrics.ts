import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/** How often the event loop is looked at. Each look wakes the process, so it is not the finest that is possible. */
const RESOLUTION_MS = 20;
const QUANTILES = [
  ['p50', 50],
  ['p90', 90],
  ['p99', 99],
] as const;

/** Memory, processor time and the delay of the event loop of this process, under the names that are usual for Node. */
export class ProcessMetrics {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #gauges = new Map<string, Gauge>();
  readonly #cpu: Counter;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string) => {
      this.#gauges.set(name, new Gauge({ name, help, registers: [registry] }));
    };
    gauge('process_start_time_seconds', 'Start of the process since the Unix epoch, in seconds.');
    gauge('process_resident_memory_bytes', 'Resident memory.');
    gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.');
    gauge('nodejs_heap_size_total_bytes', 'JavaScript heap, free parts included.');
    gauge('nodejs_external_memory_bytes', 'Memory of native objects and buffers that JavaScript holds.');
    gauge(
      'nodejs_eventloop_utilization_ratio',
      'Share of the time since the last scrape that the event loop was busy.',
    );
    gauge('nodejs_eventloop_lag_mean_seconds', 'Mean delay of the event loop since the last scrape.');
    gauge('nodejs_eventloop_lag_max_seconds', 'Longest delay of the event loop since the last scrape.');
    for (const [name, percent] of QUANTILES) {
      gauge(
        `nodejs_eventloop_lag_${name}_seconds`,
        `Delay of the event loop since the last scrape, percentile ${percent}.`,
      );
    }
    this.#cpu = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the process, user and system.',
      registers: [registry],
    });
    this.#delay.enable();
  }

  /** Reads the values of now. */
  update(): void {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    this.#set('process_start_time_seconds', performance.timeOrigin / 1000);
    this.#set('process_resident_memory_bytes', rss);
    this.#set('nodejs_heap_size_used_bytes', heapUsed);
    this.#set('nodejs_heap_size_total_bytes', heapTotal);
    this.#set('nodejs_external_memory_bytes', external);
    const { user, system } = process.cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((user + system) / 1e6);
    const utilization = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(utilization, this.#utilization);
    this.#utilization = utilization;
    this.#set('nodejs_eventloop_utilization_ratio', since.utilization);
    this.#set('nodejs_eventloop_lag_mean_seconds', lagSeconds(this.#delay.mean));
    this.#set('nodejs_eventloop_lag_max_seconds', lagSeconds(this.#delay.max));
    for (const [name, percent] of QUANTILES) {
      this.#set(`nodejs_eventloop_lag_${name}_seconds`, lagSeconds(this.#delay.percentile(percent)));
    }
    this.#delay.reset();
  }

  stop(): void {
    this.#delay.disable();
  }

  #set(name: string, value: number): void {
    this.#gauges.get(name)?.set(value);
  }
}

/** The monitor measures from one look to the next, so that its own interval is part of what it says. */
function lagSeconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000) : 0;
}
