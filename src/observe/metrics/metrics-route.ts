import type { Route } from '../http/routes.js';

/** Text for Prometheus, made when it is asked for. */
export interface MetricsSource {
  readonly contentType: string;
  scrape(): Promise<string>;
  /** Ends what it measures by itself. */
  stop(): void;
}

/** `/metrics`. Those who ask at the same time get the same answer. */
export function metricsRoute(source: MetricsSource): Route {
  let underWay: Promise<string> | null = null;
  return {
    method: 'GET',
    path: '/metrics',
    handle: async () => {
      underWay ??= source.scrape().finally(() => (underWay = null));
      return { status: 200, contentType: source.contentType, body: await underWay };
    },
  };
}
