import { isFinishedState, type Message, type TaskState } from '../../src/protocol/messages.js';
import type { StoreOp, StoreOutcome } from '../../src/store/store.js';
import type { DurableStore, DurableTask } from './durable-store.js';
import type { Digest } from './digest.js';
import {
  epochOfResult,
  errorTextOf,
  NARROW_CONCURRENCY,
  PACED_PER_SECOND,
  resultsInInput,
  SIMULATED_ERROR,
  taskNumberOf,
  type TaskPlan,
} from './plans.js';
import { Violation } from './violation.js';

/** Everything that was counted as it became durable or was said. */
export interface Tally {
  /** Submits that became durable: the tasks there are. */
  stored: number;
  acknowledged: number;
  /** Ends that became durable, by state; a task that was queued once more ends once more. */
  completed: number;
  failed: number;
  dead: number;
  cancelled: number;
  requeuedByClients: number;
  leases: number;
  takenBack: number;
  /** Blocked tasks that had all they needed, and those that never would. */
  released: number;
  unmet: number;
}

/** What the referee knows of a task, until its end is known to all and the store has forgotten it. */
interface Record {
  readonly number: number;
  readonly taskId: string;
  readonly kind: string;
  acknowledged: boolean;
  /** Ends minus repeats: 1 when, and only when, the task is ended. */
  ends: number;
  retried: boolean;
  /** The epoch whose result it has. */
  completedIn: number | null;
  /** What it needs, each as it is on the disk or was when the disk forgot it; null: nothing is known of it. */
  readonly needs: readonly (Record | null)[];
  /** It may be leased. */
  released: boolean;
  readonly story: string[];
}

const STORY_LINES = 40;
/** Sums of fractions may fall this short of a whole token. */
const ROUNDING = 1e-6;

/**
 * Watches all that becomes durable and all that is said, and raises a Violation when a promise is broken. It knows
 * nothing of how the coordinator works: only tasks, leases, credit and what was acknowledged.
 */
export class Referee {
  readonly tally: Tally = {
    stored: 0,
    acknowledged: 0,
    completed: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    requeuedByClients: 0,
    leases: 0,
    takenBack: 0,
    released: 0,
    unmet: 0,
  };
  readonly #digest: Digest;
  readonly #records = new Map<string, Record>();
  readonly #recordOfNumber = new Map<number, Record>();
  /** Leases that are durable and not over. */
  readonly #leasesOfAgent = new Map<string, number>();
  readonly #agentOfLease = new Map<string, string>();
  readonly #creditOfAgent: ReadonlyMap<string, number>;
  #narrowLeases = 0;
  #pacedTokens = PACED_PER_SECOND;
  #pacedAt = 0;
  #unfinished = 0;

  constructor(creditOfAgent: ReadonlyMap<string, number>, digest: Digest) {
    this.#creditOfAgent = creditOfAgent;
    this.#digest = digest;
  }

  /** Tasks that are stored and not ended. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** Tasks it still remembers; bounded by what the store keeps. */
  get remembered(): number {
    return this.#records.size;
  }

  /** Leases that are durable and not over. */
  get leases(): number {
    return this.#agentOfLease.size;
  }

  /** A task that is not ended, for a report of what hangs; null when there is none. */
  oldestUnfinished(): { readonly taskId: string; readonly story: readonly string[] } | null {
    for (const record of this.#records.values()) if (record.ends === 0) return record;
    return null;
  }

  /** The coordinator starts anew: what it knew of rates is gone. */
  coordinatorStarted(now: number): void {
    this.#pacedTokens = PACED_PER_SECOND;
    this.#pacedAt = now;
  }

  /** Whether a task is not ended, or ended and still kept by the disk. */
  knows(taskId: string): boolean {
    return this.#records.has(taskId);
  }

  note(taskId: string, now: number, text: string): void {
    const record = this.#records.get(taskId);
    if (record !== undefined) tell(record, now, text);
  }

  violation(taskId: string, problem: string): Violation {
    return new Violation(`task ${taskId}: ${problem}`, this.#records.get(taskId)?.story ?? []);
  }

  /** An operation was carried out by the disk. */
  stored(op: StoreOp, outcome: StoreOutcome, now: number): void {
    switch (op.op) {
      case 'submit':
        if (outcome.status === 'applied') this.#submitted(op, now);
        else if (outcome.status === 'conflict')
          throw new Violation(`task id ${op.spec.taskId} was used twice`);
        return;
      case 'lease': {
        const { taskId, epoch, agentId, attempt, leasedAt } = op.lease;
        const record = this.#applied(taskId, outcome, op);
        tell(record, now, `leased to ${agentId}, attempt ${attempt}, epoch ${epoch}`);
        if (!record.released) throw this.violation(taskId, 'is leased before what it needs is there');
        this.#leased(record, agentId, leasedAt);
        return;
      }
      case 'complete': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, `completed, epoch ${op.epoch}`);
        if (taskNumberOf(op.result) !== record.number) {
          throw this.violation(op.taskId, 'has the result of another task');
        }
        if (epochOfResult(op.result) !== op.epoch) {
          throw this.violation(op.taskId, `epoch ${op.epoch} ended with a result of an other epoch`);
        }
        record.completedIn = op.epoch;
        this.#leaseOver(record);
        this.#ended(record, 'completed');
        return;
      }
      case 'fail': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, `${op.state}, epoch ${op.epoch}: ${op.error.name}`);
        this.#checkError(op);
        this.#leaseOver(record);
        this.#ended(record, op.state);
        return;
      }
      case 'requeue': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, `taken back, epoch ${op.epoch}: ${op.why}, ${op.error.name}`);
        this.#checkError(op);
        this.tally.takenBack++;
        this.#leaseOver(record);
        return;
      }
      case 'cancel': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, 'cancelled');
        if (this.#agentOfLease.has(op.taskId)) this.#leaseOver(record);
        this.#ended(record, 'cancelled');
        return;
      }
      case 'retry': {
        // Of two that ask for it at once the disk takes one.
        if (outcome.status === 'conflict') return;
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, 'queued once more');
        this.tally.requeuedByClients++;
        record.ends--;
        record.retried = true;
        this.#unfinished++;
        return;
      }
      case 'release': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, 'released');
        this.#released(record, op);
        return;
      }
      case 'unmet': {
        const record = this.#applied(op.taskId, outcome, op);
        tell(record, now, `${op.state}: ${op.error.name}: ${op.error.message}`);
        const inVain = record.needs.some(
          (need) => need === null || need.completedIn === null || !this.knows(need.taskId),
        );
        if (op.error.name !== 'NEED_FAILED' || !inVain)
          throw this.violation(op.taskId, `ends though what it needs is there: ${op.error.message}`);
        this.tally.unmet++;
        this.#ended(record, op.state);
        return;
      }
      default:
        return;
    }
  }

  /** The disk no longer keeps an ended task. */
  forgotten(task: DurableTask): void {
    const record = this.#records.get(task.spec.taskId);
    if (record === undefined) return;
    this.#records.delete(record.taskId);
    this.#recordOfNumber.delete(record.number);
  }

  /** The coordinator says something to an agent or a client: it must be true on the disk by now. */
  said(message: Message, payload: Uint8Array | undefined, store: DurableStore): void {
    if (message.type === 'MessageAck' && message.status === 'received') {
      for (const taskId of message.taskIds) {
        if (!store.tasks.has(taskId)) throw new Violation(`task ${taskId} is acknowledged and not stored`);
      }
    } else if (message.type === 'TaskUpdate') {
      const { taskId, state } = message.task;
      const current = store.tasks.get(taskId)?.current;
      if (current === undefined) throw new Violation(`task ${taskId} is reported ${state} and not stored`);
      if (!isFinishedState(state)) return;
      // What was read from the disk before a retry may be said after it.
      if (current.state !== state && this.#records.get(taskId)?.retried !== true) {
        throw this.violation(taskId, `is reported ${state} and stored as ${current.state}`);
      }
      if (current.state === 'completed' && payload !== undefined && !sameBytes(payload, current.result)) {
        throw this.violation(taskId, 'is reported with another result than the stored one');
      }
    }
  }

  /** A client has the acknowledgement of its submit. */
  acknowledged({ number }: TaskPlan, taskId: string, now: number): void {
    const record = this.#recordOfNumber.get(number);
    if (record === undefined)
      throw new Violation(`submit ${number} is acknowledged as ${taskId}, which is nowhere`);
    if (record.taskId !== taskId) {
      throw this.violation(record.taskId, `its submit was acknowledged as ${taskId} as well`);
    }
    if (record.acknowledged) return;
    record.acknowledged = true;
    this.tally.acknowledged++;
    tell(record, now, 'acknowledged');
    this.#digest.add(number);
    this.#digest.add(now);
  }

  #submitted({ spec, input }: StoreOp & { readonly op: 'submit' }, now: number): void {
    const number = taskNumberOf(input);
    const other = this.#recordOfNumber.get(number);
    if (other !== undefined) throw this.violation(other.taskId, `was stored a second time as ${spec.taskId}`);
    const { taskId } = spec;
    const record: Record = {
      number,
      taskId,
      kind: spec.kind,
      acknowledged: false,
      ends: 0,
      retried: false,
      completedIn: null,
      needs: (spec.needs?.taskIds ?? []).map((needed) => this.#records.get(needed) ?? null),
      released: spec.needs === undefined,
      story: [],
    };
    tell(record, now, `stored, submit ${number}`);
    this.#records.set(taskId, record);
    this.#recordOfNumber.set(number, record);
    this.tally.stored++;
    this.#unfinished++;
  }

  /** One coordinator that knows its own mind never has an operation refused. */
  #applied(taskId: string, outcome: StoreOutcome, op: StoreOp): Record {
    const record = this.#records.get(taskId);
    if (outcome.status !== 'applied' || record === undefined) {
      throw this.violation(taskId, `the store refused ${JSON.stringify(op, shorten)}`);
    }
    return record;
  }

  #released(record: Record, { taskId, input }: StoreOp & { readonly op: 'release' }): void {
    if (record.released) throw this.violation(taskId, 'is released a second time');
    const results = record.needs.map((need) => {
      if (need === null || need.completedIn === null)
        throw this.violation(taskId, `is released before '${need?.taskId ?? 'one it needs'}' has completed`);
      return [need.number, need.completedIn];
    });
    if (input !== null && JSON.stringify(resultsInInput(input)) !== JSON.stringify(results)) {
      throw this.violation(taskId, 'is released with other results than those of what it needs');
    }
    record.released = true;
    this.tally.released++;
  }

  #checkError({ taskId, epoch, error }: StoreOp & { readonly op: 'fail' | 'requeue' }): void {
    if (error.name !== SIMULATED_ERROR || error.message === errorTextOf(epoch)) return;
    throw this.violation(taskId, `epoch ${epoch} ended with the error of an other epoch: ${error.message}`);
  }

  #leased(record: Record, agentId: string, leasedAt: number): void {
    const { taskId } = record;
    if (this.#agentOfLease.has(taskId)) this.#leaseOver(record);
    this.#agentOfLease.set(taskId, agentId);
    const leases = (this.#leasesOfAgent.get(agentId) ?? 0) + 1;
    this.#leasesOfAgent.set(agentId, leases);
    this.tally.leases++;
    const credit = this.#creditOfAgent.get(agentId) ?? 0;
    if (leases > credit)
      throw this.violation(taskId, `is lease ${leases} of ${agentId}, which gave ${credit}`);
    const { kind } = record;
    if (kind === 'narrow' && ++this.#narrowLeases > NARROW_CONCURRENCY) {
      throw this.violation(
        taskId,
        `is lease ${this.#narrowLeases} of its kind; ${NARROW_CONCURRENCY} are allowed`,
      );
    }
    if (kind === 'paced') {
      const passedS = Math.max(0, leasedAt - this.#pacedAt) / 1000;
      this.#pacedTokens = Math.min(PACED_PER_SECOND, this.#pacedTokens + passedS * PACED_PER_SECOND);
      this.#pacedAt = Math.max(this.#pacedAt, leasedAt);
      if (--this.#pacedTokens < -ROUNDING)
        throw this.violation(taskId, 'was leased before its kind may go on');
    }
  }

  #leaseOver(record: Record): void {
    const agentId = this.#agentOfLease.get(record.taskId);
    if (agentId === undefined) throw this.violation(record.taskId, 'ends a lease that it does not have');
    this.#agentOfLease.delete(record.taskId);
    this.#leasesOfAgent.set(agentId, (this.#leasesOfAgent.get(agentId) ?? 0) - 1);
    if (record.kind === 'narrow') this.#narrowLeases--;
  }

  #ended(record: Record, state: Extract<TaskState, 'completed' | 'failed' | 'dead' | 'cancelled'>): void {
    record.ends++;
    if (record.ends !== 1) throw this.violation(record.taskId, 'ended twice');
    this.tally[state]++;
    this.#unfinished--;
    this.#digest.add(record.number);
  }
}

function tell(record: Record, now: number, text: string): void {
  if (record.story.length >= STORY_LINES) record.story.splice(1, 1);
  record.story.push(`${(now / 1000).toFixed(4)} s  ${text}`);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}

/** Byte arrays by their length. */
function shorten(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.byteLength} bytes` : value;
}
