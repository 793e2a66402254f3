import { Buckets, LATENCY_BOUNDS_MS } from '../../../observe/metrics/buckets.js';
import { MetersByKind } from '../../../observe/metrics/meters-by-kind.js';
import type { KindFigures } from '../../../observe/metrics/snapshot.js';
import { isFinishedState, type TaskState } from '../../../protocol/messages.js';
import type { TaskEvent } from './task-machine.js';
import type { Task } from './task.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type KindMeter = Mutable<Pick<KindFigures, 'submitted' | 'leased'>> &
  Pick<KindFigures, 'kind' | 'queue' | 'run' | 'roundTrip'> & {
    readonly now: Mutable<KindFigures['now']>;
    readonly ended: Mutable<KindFigures['ended']>;
  };

/** Counts tasks by kind as they change. Times are read from what the change brings: nothing is measured here. */
export class TaskMeters {
  readonly #kinds = new MetersByKind(newMeter);

  /** In the order in which they were first seen. */
  figures(): readonly KindFigures[] {
    return this.#kinds.all;
  }

  submitted(task: Task): void {
    this.#of(task).submitted++;
  }

  entered(task: Task): void {
    this.#count(task, task.phase.state, 1);
  }

  left(task: Task): void {
    this.#count(task, task.phase.state, -1);
  }

  changed(task: Task, before: TaskState, event: TaskEvent): void {
    const meter = this.#of(task);
    const { state } = task.phase;
    if (state !== before) {
      if (!isFinishedState(before)) meter.now[before]--;
      if (isFinishedState(state)) meter.ended[state]++;
      else meter.now[state]++;
    }
    if (event.type === 'lease') {
      meter.leased++;
      if (task.attempts === 1) meter.queue.observe(event.at - task.readyAt);
    } else if (event.type === 'complete') {
      meter.run.observe(event.runMs);
      if (task.leasedAt !== null) meter.roundTrip.observe(event.at - task.leasedAt);
    }
  }

  #count(task: Task, state: TaskState, change: 1 | -1): void {
    if (!isFinishedState(state)) this.#of(task).now[state] += change;
  }

  #of({ spec }: Task): KindMeter {
    return this.#kinds.of(spec.kind);
  }
}

function newMeter(kind: string): KindMeter {
  return {
    kind,
    now: { queued: 0, delayed: 0, blocked: 0, leased: 0, running: 0, retrying: 0 },
    ended: { completed: 0, failed: 0, dead: 0, cancelled: 0 },
    submitted: 0,
    leased: 0,
    queue: new Buckets(LATENCY_BOUNDS_MS),
    run: new Buckets(LATENCY_BOUNDS_MS),
    roundTrip: new Buckets(LATENCY_BOUNDS_MS),
  };
}
