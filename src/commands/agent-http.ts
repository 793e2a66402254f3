import type { Logger } from 'pino';
import type { Agent } from '../agent/agent.js';
import type { MeteredRunner } from '../agent/metered-runner.js';
import type { ReadyCheck } from '../observe/coordinator-view.js';
import { healthRoutes } from '../observe/http/health-routes.js';
import { agentMetrics } from '../observe/metrics/agent-metrics.js';
import { metricsRoute } from '../observe/metrics/metrics-route.js';
import { SOFTWARE } from './connection.js';
import { serveHttp } from './http.js';
import type { AgentOptions } from './options/agent-options.js';

/** Metrics and health of the agents of this process; null without `--http`. */
export async function serveAgentHttp(
  { http, httpHost }: Pick<AgentOptions, 'http' | 'httpHost'>,
  {
    agents,
    runner,
    log,
  }: { readonly agents: () => readonly Agent[]; readonly runner: MeteredRunner; readonly log: Logger },
): Promise<{ readonly close: () => Promise<void> } | null> {
  if (http === null) return null;
  const metrics = agentMetrics({
    version: SOFTWARE,
    figures: () => ({
      agents: agents().map(({ state, activeTasks }) => ({ state, activeTasks })),
      kinds: runner.figures(),
    }),
  });
  const routes = [
    ...healthRoutes({ readiness: () => [registered(agents())], uptime: () => process.uptime() }),
    metricsRoute(metrics),
  ];
  try {
    const server = await serveHttp(http, { hostNames: httpHost, routes, log });
    if (server !== null) log.info({ http: server.address }, 'serving metrics and health');
    return {
      close: async () => {
        await server?.close();
        metrics.stop();
      },
    };
  } catch (error) {
    metrics.stop();
    throw error;
  }
}

function registered(agents: readonly Agent[]): ReadyCheck {
  if (agents.length === 0) return { name: 'registered', ok: false, reason: 'starting' };
  const missing = agents.filter(({ state }) => state !== 'registered').length;
  if (missing === 0) return { name: 'registered', ok: true };
  const reason = `${missing} of ${agents.length} agents are not registered at a coordinator`;
  return { name: 'registered', ok: false, reason };
}
