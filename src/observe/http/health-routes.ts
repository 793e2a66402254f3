import type { ReadyCheck } from '../coordinator-view.js';
import { json } from './reply.js';
import type { Route } from './routes.js';

/**
 * `/healthz`: the process answers. `/readyz`: 200 when every check holds, else 503; both say why as JSON:
 * `{"status":"not ready","checks":[{"name":"store","ok":false,"reason":"…"}]}`.
 */
export function healthRoutes(options: {
  readonly readiness: () => readonly ReadyCheck[];
  /** Seconds since the start of the process. */
  readonly uptime: () => number;
}): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      handle: () => json({ status: 'alive', uptimeSeconds: Math.floor(options.uptime()) }),
    },
    {
      method: 'GET',
      path: '/readyz',
      handle: () => {
        const checks = options.readiness();
        const ready = checks.every(({ ok }) => ok);
        return json({ status: ready ? 'ready' : 'not ready', checks }, ready ? 200 : 503);
      },
    },
  ];
}
