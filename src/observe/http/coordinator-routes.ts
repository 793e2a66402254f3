import type { CoordinatorView } from '../coordinator-view.js';
import { dashboardRoutes } from '../dashboard/dashboard-routes.js';
import { metricsRoute, type MetricsSource } from '../metrics/metrics-route.js';
import { apiRoutes } from './api-routes.js';
import { healthRoutes } from './health-routes.js';
import type { Route } from './routes.js';

/** All that a coordinator serves over HTTP. */
export function coordinatorRoutes(options: {
  readonly view: CoordinatorView;
  /** Allows changes to those who present it now; null: nobody may change anything. */
  readonly token: () => string | null;
  /** Absent: there are no metrics. */
  readonly metrics?: MetricsSource;
}): Route[] {
  const { view } = options;
  return [
    ...healthRoutes({ readiness: () => view.readiness(), uptime: () => process.uptime() }),
    ...(options.metrics === undefined ? [] : [metricsRoute(options.metrics)]),
    ...apiRoutes(options),
    ...dashboardRoutes(),
  ];
}
