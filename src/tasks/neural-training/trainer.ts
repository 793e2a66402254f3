import { batchOf, gather, orderOf, partsOf } from './batches.js';
import type { Checkpoint } from './checkpoint.js';
import { decodeGradient, GradientError } from './compression.js';
import { diverged } from './diverged.js';
import type { GradientWork } from './gradient-work.js';
import type { GradientResult } from './handler.js';
import { weightLists } from './initial-weights.js';
import type { NeuralTrainingInput } from './input.js';
import { average, TrainedModel, type WeightedGradient } from './model.js';
import { type ErrorDetail, errorDetailOf } from '../failure.js';
import { type Assignment, newUnit, type Unit, WorkUnits } from './work-units.js';

/** Result of a `neural-training` task. */
export interface NeuralTrainingOutput {
  /** Updates of the weights. */
  readonly version: number;
  /** Mean loss over the samples of each epoch, each at the weights that its gradient was taken at. */
  readonly loss: Float64Array;
  /** Of each layer its weights, row by row (one row for each unit), then its biases. */
  readonly weights: readonly Float64Array[];
  /** Gradients used, by the agent that computed them. */
  readonly agents: Readonly<Record<string, number>>;
}

/** What happens to a training. `assignment`: the number of a `dispatch`; one that is not under way is ignored. */
export type TrainerEvent =
  | { readonly type: 'start' }
  /** An agent could take work. */
  | { readonly type: 'offer'; readonly agentId: string }
  | { readonly type: 'gradient'; readonly assignment: number; readonly result: GradientResult }
  /** The agent could not do it; when trying again cannot help either, that ends the training. */
  | { readonly type: 'failed'; readonly assignment: number; readonly error: ErrorDetail }
  /** The agent is gone, or gave it back. */
  | { readonly type: 'lost'; readonly assignment: number };

export type TrainerAction =
  | {
      readonly type: 'dispatch';
      readonly assignment: number;
      readonly agentId: string;
      readonly work: GradientWork;
    }
  /** Somebody else was faster. */
  | { readonly type: 'withdraw'; readonly assignment: number }
  /** The gradient is not used; the work goes to somebody again. */
  | { readonly type: 'refuse'; readonly assignment: number; readonly field: string; readonly reason: string }
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'epoch'; readonly epoch: number; readonly loss: number }
  /** To be kept durably. It shares memory with the training: encode it at once. */
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'finished'; readonly result: NeuralTrainingOutput }
  | { readonly type: 'gave-up'; readonly error: ErrorDetail };

/** Failures of one piece of work after which the training gives up. */
const MAX_FAILURES = 6;
/** Progress is told when at least this much more is done. */
const PROGRESS_STEP = 0.01;

/**
 * One training without its surroundings. Agents are offered to it, it answers with work, and gradients come back.
 *
 * `sync`: a batch is cut into fixed parts; when all their gradients are there they are averaged, weighted by samples, in
 * fixed order, and make one update. So neither the number of agents nor their speed changes the result. `async`: each batch
 * is one piece, and makes its update when it arrives, unless more than `maxStaleness` updates came since it left.
 */
export class Trainer {
  readonly #id: string;
  readonly #input: NeuralTrainingInput;
  readonly #model: TrainedModel;
  readonly #units: WorkUnits;
  readonly #batches: number;
  readonly #losses: number[];
  readonly #agents: Map<string, number>;
  #epoch: number;
  #order: Uint32Array;
  /** Batches of the epoch that the weights have learned from. */
  #done: Set<number>;
  /** The pieces whose gradients make the next update, with mode sync. */
  #round: Unit[] = [];
  #lossSum: number;
  #lossCount: number;
  #told = 0;
  #savedAt = -Infinity;
  #over = false;
  #actions: TrainerAction[] = [];

  /** `id`: of the training. `checkpoint`: to go on from; its arrays are taken over. */
  constructor(id: string, input: NeuralTrainingInput, checkpoint: Checkpoint | null = null) {
    this.#id = id;
    this.#input = input;
    this.#model = new TrainedModel(input, checkpoint ?? undefined);
    this.#units = new WorkUnits(input.stragglerMs);
    this.#batches = Math.ceil(input.samples.length / input.batchSize);
    this.#losses = [...(checkpoint?.losses ?? [])];
    this.#agents = new Map(Object.entries(checkpoint?.agents ?? {}));
    this.#epoch = checkpoint?.epoch ?? 0;
    this.#order = this.#orderOf(this.#epoch);
    this.#done = new Set(checkpoint?.done);
    this.#lossSum = checkpoint?.lossSum ?? 0;
    this.#lossCount = checkpoint?.lossCount ?? 0;
  }

  get version(): number {
    return this.#model.version;
  }

  /** Whether an offer is worth making. */
  wantsAgents(now: number): boolean {
    return !this.#over && this.#units.hasWork(this.#mayStart, now);
  }

  /** When an offer may be worth making that is not now; null: only after an event. */
  nextChange(now: number): number | null {
    return this.#over ? null : this.#units.nextChange(now);
  }

  handle(event: TrainerEvent, now: number): readonly TrainerAction[] {
    if (!this.#over) this.#step(event, now);
    return this.#actions.splice(0);
  }

  #step(event: TrainerEvent, now: number): void {
    if (event.type === 'start') {
      this.#savedAt = now;
      this.#plan();
      return;
    }
    if (event.type === 'offer') {
      this.#offer(event.agentId, now);
      return;
    }
    const assignment = this.#units.assignments.get(event.assignment);
    if (assignment === undefined) return;
    this.#units.end(assignment);
    switch (event.type) {
      case 'gradient':
        this.#arrived(assignment, event.result, now);
        return;
      case 'failed': {
        const { name, message, retryable } = event.error;
        const by = `agent '${assignment.agentId}'`;
        if (retryable) this.#failed(assignment, `${by}: ${name}: ${message}`, now);
        else this.#end({ type: 'gave-up', error: { name, message: `${by}: ${message}`, retryable } });
        return;
      }
      case 'lost':
        this.#units.addBack(assignment.unit);
        return;
    }
  }

  /** With mode async no more is under way than could be used whatever comes first. */
  get #mayStart(): boolean {
    const { mode, maxStaleness } = this.#input;
    return mode === 'sync' || this.#units.assignments.size <= maxStaleness;
  }

  #offer(agentId: string, now: number): void {
    const { version, weights } = this.#model;
    const assignment = this.#units.assign(agentId, version, this.#mayStart, now);
    if (assignment === null) return;
    const { span } = assignment.unit;
    const { model, samples, labels, compression } = this.#input;
    this.#actions.push({
      type: 'dispatch',
      assignment: assignment.id,
      agentId,
      work: {
        training: this.#id,
        version,
        model,
        weights,
        count: span.end - span.start,
        samples: gather(samples, this.#order, span),
        labels: gather(labels, this.#order, span),
        compression,
      },
    });
  }

  #arrived(assignment: Assignment, result: GradientResult, now: number): void {
    const { unit, agentId, id } = assignment;
    const fault = this.#faultOf(assignment, result);
    if (fault !== null) {
      this.#actions.push({ type: 'refuse', assignment: id, ...fault });
      this.#failed(assignment, `agent '${agentId}': ${fault.reason}`, now);
      return;
    }
    this.#units.succeeded(assignment, now);
    const staleness = this.#model.version - assignment.version;
    if (this.#input.mode === 'async' && staleness > this.#input.maxStaleness) {
      const { maxStaleness } = this.#input;
      const reason = `${staleness} updates came since version ${assignment.version}; maxStaleness is ${maxStaleness}`;
      this.#actions.push({ type: 'refuse', assignment: id, field: '/modelVersion', reason });
      this.#units.addBack(unit);
      return;
    }
    const gradient = this.#decode(result);
    if (typeof gradient === 'string') {
      this.#actions.push({ type: 'refuse', assignment: id, field: '/payload', reason: gradient });
      this.#failed(assignment, `agent '${agentId}': ${gradient}`, now);
      return;
    }
    unit.gradient = gradient;
    this.#agents.set(agentId, (this.#agents.get(agentId) ?? 0) + 1);
    for (const other of [...unit.assignments]) {
      this.#units.end(other);
      this.#actions.push({ type: 'withdraw', assignment: other.id });
    }
    this.#learn(unit, now);
  }

  #faultOf(
    { unit, version }: Assignment,
    { modelVersion, batchSize, loss }: GradientResult,
  ): { readonly field: string; readonly reason: string } | null {
    const count = unit.span.end - unit.span.start;
    if (modelVersion !== version) {
      const reason = `the gradient is of version ${modelVersion}; wanted is version ${version}`;
      return { field: '/modelVersion', reason };
    }
    if (batchSize !== count) {
      return { field: '/batchSize', reason: `the gradient is of ${batchSize} samples; given were ${count}` };
    }
    if (!Number.isFinite(loss)) return { field: '/loss', reason: `the loss is ${loss}, not a finite number` };
    return null;
  }

  #decode({ gradients, encoding, batchSize, loss }: GradientResult): WeightedGradient | string {
    try {
      const gradient = decodeGradient(gradients, encoding, this.#model.weights.length);
      return { count: batchSize, loss, gradient };
    } catch (error) {
      if (error instanceof GradientError) return `the gradient is not usable: ${error.message}`;
      throw error;
    }
  }

  #failed({ unit, agentId }: Assignment, reason: string, now: number): void {
    this.#units.bench(agentId, now);
    unit.failures++;
    if (unit.failures < MAX_FAILURES) {
      this.#units.addBack(unit);
      return;
    }
    const message = `one batch has failed ${MAX_FAILURES} times, at version ${this.version}: ${reason}`;
    this.#end({ type: 'gave-up', error: { name: 'NO_GRADIENT', message, retryable: true } });
  }

  /** Uses the gradients that make an update, if they are all there. */
  #learn(unit: Unit, now: number): void {
    const units = this.#input.mode === 'sync' ? this.#round : [unit];
    const parts: WeightedGradient[] = [];
    for (const { gradient } of units) {
      if (gradient === null) return;
      parts.push(gradient);
    }
    const { gradient, count, loss } = average(parts);
    const finite = this.#model.update(gradient);
    for (const used of units) used.gradient = null;
    this.#done.add(unit.batch);
    this.#lossSum += loss * count;
    this.#lossCount += count;
    if (!finite) {
      this.#end({ type: 'gave-up', error: errorDetailOf(diverged(this.version)) });
      return;
    }
    if (this.#input.mode === 'sync' || this.#done.size === this.#batches) this.#plan();
    if (this.#over) return;
    this.#tellProgress();
    if (now - this.#savedAt < this.#input.checkpointMs) return;
    this.#savedAt = now;
    this.#actions.push({ type: 'checkpoint', checkpoint: this.checkpoint() });
  }

  /** Makes the next pieces of work: a batch with mode sync, else an epoch; or ends the training. */
  #plan(): void {
    if (this.#done.size === this.#batches) this.#endEpoch();
    const { epochs, mode, batchSize, shards, samples } = this.#input;
    if (this.#epoch >= epochs) {
      this.#end({ type: 'finished', result: this.#result() });
      return;
    }
    this.#round = [];
    for (let batch = 0; batch < this.#batches; batch++) {
      if (this.#done.has(batch)) continue;
      const span = batchOf(batch, batchSize, samples.length);
      if (mode === 'async') {
        this.#units.add(newUnit(batch, span));
        continue;
      }
      this.#round = partsOf(span, shards).map((part) => newUnit(batch, part));
      for (const unit of this.#round) this.#units.add(unit);
      break;
    }
  }

  #endEpoch(): void {
    const loss = this.#lossSum / this.#lossCount;
    this.#losses.push(loss);
    this.#actions.push({ type: 'epoch', epoch: this.#epoch, loss });
    this.#epoch++;
    this.#done = new Set();
    this.#lossSum = 0;
    this.#lossCount = 0;
    this.#order = this.#orderOf(this.#epoch);
  }

  #orderOf(epoch: number): Uint32Array {
    const { samples, shuffle, seed } = this.#input;
    return orderOf(samples.length, shuffle, seed, epoch);
  }

  #tellProgress(): void {
    const fraction = (this.#epoch + this.#done.size / this.#batches) / this.#input.epochs;
    if (fraction < this.#told + PROGRESS_STEP) return;
    this.#told = fraction;
    this.#actions.push({ type: 'progress', fraction });
  }

  /** All that is needed to go on later. Shares memory with the training. */
  checkpoint(): Checkpoint {
    return {
      format: 1,
      version: this.#model.version,
      weights: this.#model.weights,
      optimizer: this.#model.optimizerState,
      epoch: this.#epoch,
      done: Uint32Array.from(this.#done),
      lossSum: this.#lossSum,
      lossCount: this.#lossCount,
      losses: Float64Array.from(this.#losses),
      agents: Object.fromEntries(this.#agents),
    };
  }

  #result(): NeuralTrainingOutput {
    return {
      version: this.#model.version,
      loss: Float64Array.from(this.#losses),
      weights: weightLists(this.#input.model, this.#model.weights),
      agents: Object.fromEntries(this.#agents),
    };
  }

  #end(action: TrainerAction): void {
    this.#over = true;
    this.#actions.push(action);
  }
}
