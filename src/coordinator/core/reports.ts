import type { AgentSummary, MessageOf } from '../../protocol/messages.js';
import { lastArrival } from './sessions/liveness.js';
import { connectionOf, shownState, type Session } from './sessions/sessions.js';
import type { CoreState } from './state.js';

/** What the coordinator tells of itself. */

export function statusReport(core: CoreState, requestId: number, now: number): MessageOf<'StatusReport'> {
  const { version, memoryBytes, dropped } = core.ports.facts();
  const agents: Record<string, number> = {};
  for (const { identity } of core.registry.values()) {
    agents[identity.agentType] = (agents[identity.agentType] ?? 0) + 1;
  }
  let clients = 0;
  for (const { role, local } of core.connections.values()) if (role.kind === 'client' && !local) clients++;
  return {
    type: 'StatusReport',
    requestId,
    coordinatorId: core.options.coordinatorId,
    version,
    startedAt: core.startedAt,
    now,
    draining: core.operation.state !== 'running',
    agents,
    tasks: core.tasks.countByState(),
    queued: Object.fromEntries(core.ready.countByKind()),
    ...(core.pausedKinds.size === 0 ? {} : { paused: [...core.pausedKinds].sort() }),
    clients,
    memoryBytes,
    dropped: { ...dropped },
    protocolErrors: core.counters.protocolErrors,
    counters: { ...core.counters },
  };
}

export function agentsReport(core: CoreState, requestId: number): MessageOf<'AgentsReport'> {
  const agents = [...core.registry.values()].map((session) => agentSummary(core, session));
  return { type: 'AgentsReport', requestId, agents };
}

function agentSummary(core: CoreState, session: Session): AgentSummary {
  const { identity, slot } = session;
  const connectionId = connectionOf(session);
  return {
    agentId: session.agentId,
    agentType: identity.agentType,
    state: shownState(session),
    kinds: [...identity.kinds],
    concurrency: slot.credit,
    activeTasks: session.leases.size + session.shards.size,
    load: slot.load,
    memoryBytes: session.memoryBytes,
    rttMs: connectionId === null ? null : core.ports.rttMs(connectionId),
    connectedAt: session.startedAt,
    lastHeardAt: lastArrival(core, session),
    ...(session.stalledSince === null ? {} : { stalled: true }),
    completed: session.completed,
    failed: session.failed,
    address: identity.address,
  };
}
