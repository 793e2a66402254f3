import type { CoordinatorView, EventListener } from '../../../src/observe/coordinator-view.js';
import type { AgentSummary, SwarmEvent, TaskState, TaskSummary } from '../../../src/protocol/messages.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { encodeValue } from '../../../src/protocol/value.js';

const KINDS = ['pattern-match', 'feature-engineering', 'strategy-correlation', 'neural-training', 'compute'];
const STATES: readonly TaskState[] = [
  'queued', 'running', 'completed', 'completed', 'completed', 'completed', 'retrying', 'dead',
]; // prettier-ignore

/** A large swarm that need not run: what a page would be told of it, the same for the same numbers. */
export class BusyView implements CoordinatorView {
  readonly listeners = new Set<EventListener>();
  readonly #agents: readonly AgentSummary[];
  readonly #tasks: TaskSummary[];

  /** `now`: by its own clock, which stands still. */
  constructor(
    agents: number,
    tasks: number,
    readonly now: number,
  ) {
    this.#agents = Array.from({ length: agents }, (_, i) => agentOf(i, now));
    // the newest first
    this.#tasks = Array.from({ length: tasks }, (_, i) => taskOf(tasks - 1 - i, now - i * 40));
  }

  async status() {
    const queued: Record<string, number> = {};
    const tasks: Record<string, number> = {};
    for (const { kind, state } of this.#tasks) {
      tasks[state] = (tasks[state] ?? 0) + 1;
      if (state === 'queued') queued[kind] = (queued[kind] ?? 0) + 1;
    }
    return {
      coordinatorId: 'coordinator-1',
      version: '0.1.0',
      startedAt: this.now - 120_000,
      now: this.now,
      draining: false,
      agents: { worker: this.#agents.length },
      tasks,
      queued,
      clients: 2,
      memoryBytes: 96 * 2 ** 20,
      dropped: {},
      protocolErrors: 0,
    };
  }

  async agents() {
    return this.#agents;
  }

  async tasks({ state, kind, limit = 100, before }: Parameters<CoordinatorView['tasks']>[0]) {
    const start = before === undefined ? 0 : this.#tasks.findIndex(({ taskId }) => taskId === before) + 1;
    const matching = this.#tasks
      .slice(start)
      .filter((task) => (state ?? task.state) === task.state && (kind ?? task.kind) === task.kind);
    return { tasks: matching.slice(0, limit), more: matching.length > limit };
  }

  async task(taskId: string) {
    const task = this.#tasks.find((known) => known.taskId === taskId);
    if (task === undefined) throw new ProtocolError('UNKNOWN_TASK');
    return { task, history: [{ event: 'submit' as const, at: task.submittedAt }], result: null };
  }

  async retry() {
    throw new ProtocolError('TASK_NOT_RETRYABLE');
  }

  async cancel() {
    throw new ProtocolError('TASK_FINISHED');
  }

  subscribe(listener: EventListener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  reasoning() {
    const performance = [
      { agentId: 'agent-3', kind: 'compute', outcomes: 12, successRate: { value: 0.75 }, score: 0.5 },
    ];
    return Promise.resolve(encodeValue({ counters: { experiences: 12, memories: 2 }, performance }));
  }

  readiness() {
    return [];
  }

  tell(events: readonly SwarmEvent[], dropped = 0): void {
    for (const listener of this.listeners) listener(events, dropped);
  }
}

export const idOf = (i: number): string => `01990000-0000-7000-8000-${String(i).padStart(12, '0')}`;

function agentOf(i: number, now: number): AgentSummary {
  return {
    agentId: `agent-${i}`,
    agentType: 'worker',
    state: i === 3 ? 'suspect' : 'connected',
    kinds: KINDS,
    concurrency: 8,
    activeTasks: i % 9,
    load: (i % 11) / 11,
    memoryBytes: 60 * 2 ** 20,
    rttMs: 0.3 + (i % 7) / 10,
    connectedAt: now - 60_000,
    lastHeardAt: now - (i % 8) * 1000,
    completed: 100 + i,
    failed: i % 3,
    address: `127.0.0.1:${40_000 + i}`,
  };
}

function taskOf(i: number, submittedAt: number): TaskSummary {
  const state = STATES[i % STATES.length] ?? 'queued';
  const dead = state === 'dead';
  return {
    taskId: idOf(i),
    kind: KINDS[i % KINDS.length] ?? 'compute',
    state,
    priority: 5,
    agentId: state === 'queued' ? null : `agent-${i % 50}`,
    attempts: state === 'queued' ? 0 : dead ? 3 : 1,
    submittedAt,
    queuedMs: state === 'queued' ? null : i % 30,
    runMs: state === 'completed' ? 4 + (i % 90) : null,
    error: dead ? { name: 'HANDLER_FAILED', message: 'the series has no points', retryable: true } : null,
    progress: state === 'running' ? 0.4 : null,
    ...(state === 'queued'
      ? { waitsFor: { reason: 'no-credit' as const, detail: 'all agents that take this kind are busy' } }
      : {}),
    ...(dead ? { finishedAt: submittedAt + 900 } : {}),
  };
}
