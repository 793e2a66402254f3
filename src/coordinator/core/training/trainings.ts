import type { LeaseRecord } from '../../../store/records.js';
import type { Trainer } from '../../../tasks/neural-training/trainer.js';
import type { Due } from '../due.js';
import type { Session } from '../sessions/sessions.js';
import type { Task } from '../tasks/task.js';
import { Timer } from '../timers.js';

/** Who holds the lease of a training: the coordinator itself. */
export const TRAINER_ID = 'coordinator';
/** Trainings at once: each holds its samples and its model in memory. */
const MAX_TRAININGS = 8;

/** A task of kind `neural-training` that the coordinator works on. */
export interface Training {
  readonly task: Task;
  readonly lease: LeaseRecord;
  /** What it takes to begin is read from the store; then it trains. */
  phase: TrainingPhase;
  /** By number of the trainer's. */
  readonly shards: Map<number, Shard>;
  /** Shards whose agent is gone and of which the trainer has yet to hear. */
  lost: number[];
}

export type TrainingPhase =
  /** `input`: in memory already, so that only a checkpoint is wanted; `retryAt`: when to ask again. */
  | { readonly state: 'reading'; readonly input: Uint8Array | null; readonly retryAt: number | null }
  | { readonly state: 'training'; readonly trainer: Trainer };

/**
 * A piece of a training in the hands of an agent. To the agent it is a lease of a task like any other; here it is not a
 * task, and not stored: it is done again when its agent or this coordinator is lost.
 */
export interface Shard {
  readonly taskId: string;
  readonly training: Training;
  /** The trainer's number of it. */
  readonly assignment: number;
  readonly session: Session;
  readonly givenAt: number;
}

/** All and only the trainings under way, and what agents have of them. */
export class Trainings {
  readonly timer = new Timer<Due>({ kind: 'training' });
  readonly #trainings = new Map<string, Training>();
  readonly #shards = new Map<string, Shard>();

  get size(): number {
    return this.#trainings.size;
  }

  get hasRoom(): boolean {
    return this.#trainings.size < MAX_TRAININGS;
  }

  get(taskId: string): Training | undefined {
    return this.#trainings.get(taskId);
  }

  shard(taskId: string): Shard | undefined {
    return this.#shards.get(taskId);
  }

  values(): IterableIterator<Training> {
    return this.#trainings.values();
  }

  add(training: Training): void {
    this.#trainings.set(training.task.spec.taskId, training);
  }

  remove(training: Training): void {
    this.#trainings.delete(training.task.spec.taskId);
  }

  addShard(shard: Shard): void {
    this.#shards.set(shard.taskId, shard);
    shard.training.shards.set(shard.assignment, shard);
    shard.session.shards.add(shard);
  }

  removeShard(shard: Shard): void {
    this.#shards.delete(shard.taskId);
    shard.training.shards.delete(shard.assignment);
    shard.session.shards.delete(shard);
  }
}
