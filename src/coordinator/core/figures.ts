import type { CoordinatorFigures, ReasoningFigures } from '../../observe/metrics/snapshot.js';
import { shownState } from './sessions/sessions.js';
import type { CoreState } from './state.js';

/** What the core itself counts; the rest is the shell's. */
export type CoreFigures = Omit<CoordinatorFigures, 'commits' | 'messages' | 'connections'>;

/** How things stand now. O(agents + connections + kinds). */
export function coreFigures(core: CoreState, now: number): CoreFigures {
  const agents = new Map<
    string,
    { -readonly [K in keyof CoordinatorFigures['agents'][number]]: CoordinatorFigures['agents'][number][K] }
  >();
  for (const session of core.registry.values()) {
    const { agentType: type } = session.identity;
    const state = shownState(session);
    const known = agents.get(`${type} ${state}`);
    if (known === undefined) agents.set(`${type} ${state}`, { type, state, count: 1 });
    else known.count++;
  }
  let clients = 0;
  for (const { role, local } of core.connections.values()) if (role.kind === 'client' && !local) clients++;
  return {
    agents: [...agents.values()],
    clients,
    draining: core.operation.state !== 'running',
    kinds: core.tasks.meters.figures(),
    ready: core.ready.figures(now),
    counters: { ...core.counters },
    storeUp: !core.storeIsDown,
    queueBytes: core.tasks.inputBytes,
    eventSubscribers: core.feed.size,
    reasoning: reasoningFigures(core),
    dropped: core.ports.facts().dropped,
  };
}

/** Verdicts that are looked at. */
const LATEST_VERDICTS = 1000;

function reasoningFigures({ learning }: CoreState): ReasoningFigures {
  const { reports } = learning.bank;
  const verdicts = { positive: 0, neutral: 0, negative: 0 };
  for (const { score } of reports.verdicts({ limit: LATEST_VERDICTS })) {
    verdicts[score > 0 ? 'positive' : score < 0 ? 'negative' : 'neutral']++;
  }
  return { ...reports.summary(), verdicts };
}
