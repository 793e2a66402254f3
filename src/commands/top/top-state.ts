import type { StatusView } from '../../observe/coordinator-view.js';
import { FINISHED_STATES, type AgentSummary } from '../../protocol/messages.js';

/** What a coordinator answered at one time. */
export interface Sample {
  /** When the answers came, milliseconds. */
  readonly at: number;
  readonly status: StatusView;
  readonly agents: readonly AgentSummary[];
  /** When the agents were asked for: of a large swarm more rarely. */
  readonly agentsAt: number;
}

/** One figure of each past sample, oldest first. Rates are a second, over the time since the sample before. */
export interface History {
  readonly submitted: readonly number[];
  readonly started: readonly number[];
  readonly ended: readonly number[];
  readonly waiting: readonly number[];
  readonly running: readonly number[];
}

/** What the live view knows. */
export interface TopState {
  /** Where it asks. */
  readonly address: string;
  readonly sample: Sample | null;
  readonly history: History;
  /** Why there is no answer now; null while there is one. */
  readonly problem: string | null;
  /** Agents scrolled past. */
  readonly scrolled: number;
}

/** Points kept: more than any terminal has columns. */
const MAX_POINTS = 512;

export function initialState(address: string): TopState {
  const history = { submitted: [], started: [], ended: [], waiting: [], running: [] };
  return { address, sample: null, history, problem: null, scrolled: 0 };
}

/** Takes an answer in. Another process under the same address begins new rates; its first sample has none. */
export function sampled(state: TopState, sample: Sample): TopState {
  const { history } = state;
  const { tasks } = sample.status;
  const before = state.sample?.status.startedAt === sample.status.startedAt ? state.sample : null;
  const seconds = before === null ? 0 : (sample.at - before.at) / 1000;
  // a count may fall when old tasks are forgotten
  const rate = (count: (status: StatusView) => number) =>
    before === null || seconds <= 0
      ? 0
      : Math.max(0, (count(sample.status) - count(before.status)) / seconds);
  const push = (points: readonly number[], point: number) => [...points, point].slice(-MAX_POINTS);
  const counter = (name: string) => (status: StatusView) => status.counters?.[name] ?? 0;
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + (tasks[name] ?? 0), 0);
  return {
    ...state,
    sample,
    problem: null,
    history: {
      submitted: push(history.submitted, rate(counter('submitted'))),
      started: push(history.started, rate(counter('leased'))),
      ended: push(
        history.ended,
        rate((status) => FINISHED_STATES.reduce((total, name) => total + (status.tasks[name] ?? 0), 0)),
      ),
      waiting: push(history.waiting, sum(['queued', 'delayed', 'blocked', 'retrying'])),
      running: push(history.running, sum(['leased', 'running'])),
    },
  };
}

/** Nobody answers. */
export function unanswered(state: TopState, problem: string): TopState {
  return { ...state, problem };
}

/** Moves the list of agents by `rows`, within its length. */
export function scrolledBy(state: TopState, rows: number): TopState {
  const last = Math.max(0, (state.sample?.agents.length ?? 0) - 1);
  return { ...state, scrolled: Math.min(last, Math.max(0, state.scrolled + rows)) };
}
