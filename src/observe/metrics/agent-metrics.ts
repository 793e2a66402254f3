import type { Buckets } from './buckets.js';
import { MetricSet } from './metric-set.js';
import type { MetricsSource } from './metrics-route.js';
import { ProcessMetrics } from './process-metrics.js';

/** Tasks of one kind that ended on the agents of a process. */
export interface AgentKindFigures {
  readonly kind: string;
  readonly completed: number;
  readonly failed: number;
  /** Run time in milliseconds, failed ones included. */
  readonly run: Buckets;
}

export interface AgentFigures {
  readonly agents: readonly {
    /** State of its link to the coordinator. */
    readonly state: string;
    readonly activeTasks: number;
  }[];
  readonly kinds: readonly AgentKindFigures[];
}

/** The metrics of a process of agents; docs/operations.md describes each. */
export function agentMetrics(source: {
  readonly figures: () => AgentFigures;
  readonly version: string;
}): MetricsSource {
  const set = new MetricSet();
  const process = new ProcessMetrics(set.registry);
  const info = set.gauge('swarm_agent_info', 'Always 1; the label says which software runs.', ['version']);
  const links = set.gauge('swarm_agent_links', 'Agents of this process by state of their link.', ['state']);
  const active = set.gauge('swarm_agent_active_tasks', 'Tasks that run now.');
  const finished = set.counter(
    'swarm_agent_tasks_finished_total',
    'Attempts that ended, by kind and outcome.',
    ['kind', 'outcome'],
  );
  const run = set.histogram('swarm_agent_task_run_duration_seconds', 'Run time of attempts, by kind.', [
    'kind',
  ]);
  return {
    contentType: set.registry.contentType,
    stop: () => process.stop(),
    scrape: async () => {
      const { agents, kinds } = source.figures();
      process.update();
      info([[{ version: source.version }, 1]]);
      const states = new Map<string, number>();
      for (const { state } of agents) states.set(state, (states.get(state) ?? 0) + 1);
      links([...states].map(([state, count]) => [{ state }, count]));
      active(agents.reduce((sum, { activeTasks }) => sum + activeTasks, 0));
      finished(
        kinds.flatMap(({ kind, completed, failed }) => [
          [{ kind, outcome: 'completed' }, completed] as const,
          [{ kind, outcome: 'failed' }, failed] as const,
        ]),
      );
      run(kinds.map(({ kind, run: buckets }) => ({ labels: { kind }, buckets })));
      return set.registry.metrics();
    },
  };
}
