import type { CommitEntry } from './commit-log.js';
import { Timer } from '../timers.js';
import type { Due } from '../due.js';
import type { CoreState } from '../state.js';
import { activeLease } from '../tasks/task.js';

/** More than this is worth a commit of its own at once. */
const MAX_HELD = 8;
/** Weight of the latest task in a kind's mean. */
const LATEST = 0.2;
/** Kinds whose tasks are timed. */
const MAX_KINDS = 1024;

/**
 * A commit that nobody waits for may wait a moment for the next. When one client submits one quick task at a time, the
 * result is back from the agent before the commit of its submit is: two commits one after the other, where one would do.
 * So a few submits whose clients watch for the result, and whose tasks are with an agent, wait for that result, if tasks
 * of their kinds usually end within half of `commitHoldMs`; at most for all of it. Nothing is acknowledged meanwhile.
 */
export class CommitHold {
  /** Runs while a commit waits. */
  readonly timer = new Timer<Due>({ kind: 'commit-hold' });
  #over = false;
  /** Mean time from lease to result by kind, in milliseconds, the latest weighing most. */
  readonly #serviceMs = new Map<string, number>();

  /** A task of the kind was leased so long ago and has completed. */
  completed(kind: string, serviceMs: number): void {
    const mean = this.#serviceMs.get(kind);
    if (mean === undefined && this.#serviceMs.size >= MAX_KINDS) return;
    this.#serviceMs.set(kind, mean === undefined ? serviceMs : mean + LATEST * (serviceMs - mean));
  }

  /** The timer has run out. */
  expired(): void {
    this.#over = true;
  }

  /** Whether what is pending waits; sets the timer when it begins to. */
  holds(core: CoreState, now: number): boolean {
    const { commitHoldMs } = core.options;
    const { pending } = core.commits;
    const quick = (entry: CommitEntry) => isPatient(entry) && this.#isQuick(entry, commitHoldMs / 2);
    if (!this.#over && pending.length > 0 && pending.length <= MAX_HELD && pending.every(quick)) {
      if (this.timer.index === -1) core.timers.set(this.timer, now + commitHoldMs);
      return true;
    }
    this.#over = false;
    core.timers.cancel(this.timer);
    return false;
  }

  #isQuick({ task }: CommitEntry, boundMs: number): boolean {
    return task !== null && (this.#serviceMs.get(task.spec.kind) ?? Infinity) < boundMs;
  }
}

/** Whether the one who waits for this entry waits for the result anyway. */
function isPatient({ op, task, reply }: CommitEntry): boolean {
  if (op === null || task === null || activeLease(task) === null) return false;
  if (op.op === 'lease') return reply === null;
  return op.op === 'submit' && task.watchers !== null && (reply === null || reply.kind === 'received');
}
