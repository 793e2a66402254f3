import {
  spanIdOf,
  taskAttributes,
  type FinishedSpan,
  type SpanPlace,
  type SpanSink,
} from '../../observe/tracing/spans.js';
import { readTraceparent, SAMPLED, writeTraceparent } from '../../protocol/traceparent.js';
import type { TaskObserver } from '../core/tasks/task-book.js';
import { isFinished, type Task } from '../core/tasks/task.js';

/** A task in its trace. */
interface TaskTrace {
  /** Of the span of the task itself; those of its waits and attempts are below it. */
  readonly place: SpanPlace;
  readonly flags: number;
  /** Since when it waits for another attempt; null before the first. */
  waitsSince: number | null;
  /** Since when it is tried once more after it had ended. */
  retried: { readonly at: number; readonly spanId: string } | null;
}

/**
 * Spans of tasks, made from what the core tells of them: the task from submit to end, each wait for an agent, each
 * attempt. A span is made when it is over, and its id follows from the task and the attempt, so that nothing is kept
 * for a task that waits, and a restart tears no trace.
 */
export class TaskSpans {
  readonly #sink: SpanSink;
  readonly #traces = new WeakMap<Task, TaskTrace>();

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  readonly observe: TaskObserver = (event, task, at, before, cause) => {
    // there is nothing to tell yet, or never was
    if (event === 'task-submitted' || event === 'task-withdrawn') return;
    const trace = this.#traceOf(task);
    if (event === 'task-retried') {
      const { taskId } = task.spec;
      trace.retried = { at, spanId: spanIdOf(`${taskId} retry ${String(task.epoch)}`) };
      trace.waitsSince = at;
      return;
    }
    if (before === 'leased' || before === 'running') {
      if (event === 'task-running') return;
      this.#attemptEnded(task, trace, at, cause);
      trace.waitsSince = at;
    }
    if (event === 'task-leased') this.#waitEnded(task, trace, at);
    else if (event === 'task-queued' && before === 'retrying') trace.waitsSince = at;
    else if (isFinished(task.phase)) this.#taskEnded(task, trace, at);
  };

  /** What an agent is told that gets the current attempt of this task, or a piece of it; also when it is not recorded. */
  traceparent(task: Task): string {
    const { place, flags } = this.#traceOf(task);
    return writeTraceparent({ traceId: place.traceId, spanId: attemptId(task), flags });
  }

  #traceOf(task: Task): TaskTrace {
    const known = this.#traces.get(task);
    if (known !== undefined) return known;
    const { taskId, kind, traceparent } = task.spec;
    const read = traceparent === undefined ? '' : readTraceparent(traceparent);
    const parent = typeof read === 'string' ? null : read;
    const place = { traceId: parent?.traceId ?? traceIdOf(taskId), spanId: spanIdOf(taskId), parent };
    const sampled = this.#sink.samples(place, `task ${kind}`, 'consumer');
    const flags = ((parent?.flags ?? 0) & ~SAMPLED) | (sampled ? SAMPLED : 0);
    const trace: TaskTrace = { place, flags, waitsSince: null, retried: null };
    this.#traces.set(task, trace);
    return trace;
  }

  #waitEnded(task: Task, trace: TaskTrace, at: number): void {
    const since = trace.waitsSince ?? task.readyAt;
    this.#add(task, trace, {
      name: `queue ${task.spec.kind}`,
      kind: 'internal',
      spanId: spanIdOf(`${task.spec.taskId} queue ${String(task.epoch)}`),
      startedAt: Math.min(since, at),
      endedAt: at,
      attributes: { 'swarm.task.priority': task.spec.priority },
      error: null,
    });
  }

  #attemptEnded(task: Task, trace: TaskTrace, at: number, cause: Parameters<TaskObserver>[4]): void {
    this.#add(task, trace, {
      name: `attempt ${task.spec.kind}`,
      kind: 'producer',
      spanId: attemptId(task),
      startedAt: task.leasedAt ?? at,
      endedAt: at,
      attributes: {
        'messaging.operation.name': 'attempt',
        'messaging.operation.type': 'send',
        'swarm.task.attempt': task.attempts,
        ...(task.agentId === null ? {} : { 'swarm.agent.id': task.agentId }),
        ...(cause === null ? {} : { 'swarm.attempt.outcome': OUTCOMES[cause.type] ?? cause.type }),
      },
      error: cause !== null && 'error' in cause ? cause.error : null,
    });
  }

  #taskEnded(task: Task, trace: TaskTrace, at: number): void {
    const { spec, phase, attempts } = task;
    const { retried, place } = trace;
    const base = {
      kind: 'consumer',
      endedAt: at,
      attributes: {
        'messaging.operation.name': 'task',
        'messaging.operation.type': 'receive',
        'swarm.task.priority': spec.priority,
        'swarm.task.attempts': attempts,
        'swarm.task.state': phase.state,
      },
      error: 'error' in phase ? phase.error : null,
    } as const;
    if (retried !== null) {
      const { at: startedAt, spanId } = retried;
      this.#add(task, trace, { ...base, name: `retry ${spec.kind}`, spanId, startedAt });
    } else {
      const { spanId, parent } = place;
      const startedAt = spec.submittedAt;
      this.#add(task, trace, { ...base, name: `task ${spec.kind}`, spanId, startedAt }, parent);
    }
    trace.retried = null;
  }

  /** `parent`: the span of the task when missing. */
  #add(
    { spec: { taskId, kind } }: Task,
    { place: { traceId, spanId }, flags }: TaskTrace,
    span: Omit<FinishedSpan, 'traceId' | 'parent'>,
    parent: SpanPlace['parent'] = { traceId, spanId, flags },
  ): void {
    if ((flags & SAMPLED) === 0) return;
    const attributes = { ...taskAttributes(taskId, kind), ...span.attributes };
    this.#sink.add({ ...span, traceId, parent, attributes });
  }
}

/** What became of an attempt, where the name of the event does not say it. */
const OUTCOMES: Readonly<Partial<Record<string, string>>> = {
  complete: 'completed',
  fail: 'failed',
  cancel: 'cancelled',
};

const attemptId = ({ spec, epoch }: Task): string => spanIdOf(`${spec.taskId} attempt ${String(epoch)}`);

/** A task of no trace begins one whose id is its own without the hyphens: who has the one finds the other. */
function traceIdOf(taskId: string): string {
  const hex = taskId.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(hex) ? hex : `${spanIdOf(`${taskId} trace`)}${spanIdOf(taskId)}`;
}
