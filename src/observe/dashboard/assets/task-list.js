import { isFinished } from './states.js';

/** @import { SwarmEvent, Task } from './types.js' */

/** Tasks kept at most: the newest. */
export const MAX_TASKS = 10_000;
/** Above the bound only by so many, or each new task would sort the list anew. */
const SLACK = 1_000;

/** The tasks that match a filter, the newest submission first, kept up to date by reports and by events. */
export class TaskList {
  /** @type {Map<string, Task>} */
  #byId = new Map();
  /** @type {Task[] | null} sorted; null when it has to be made anew */
  #sorted = [];

  /** @param {{ state: string, kind: string }} filter '' matches all */
  constructor(filter) {
    this.filter = filter;
    /** Whether the server has older ones than those here. */
    this.more = true;
  }

  get size() {
    return this.#byId.size;
  }

  /** @returns {readonly Task[]} */
  get rows() {
    if (this.#sorted !== null) return this.#sorted;
    const rows = [...this.#byId.values()].sort(newestFirst);
    if (rows.length > MAX_TASKS) {
      for (const { taskId } of rows.splice(MAX_TASKS)) this.#byId.delete(taskId);
      this.more = true;
    }
    this.#sorted = rows;
    return rows;
  }

  /** @returns {Task | undefined} */
  get oldest() {
    return this.rows.at(-1);
  }

  /**
   * What the server says of tasks. It knows better than the events before.
   * @param {readonly Task[]} tasks
   */
  merge(tasks) {
    for (const task of tasks) this.#put(task);
    this.#bound();
  }

  /**
   * The newest page of the server: of the tasks it spans, those that it does not name match no longer.
   * @param {readonly Task[]} tasks
   * @param {boolean} more the server has older ones
   */
  refresh(tasks, more) {
    const named = new Set(tasks.map(({ taskId }) => taskId));
    const [first] = tasks;
    const last = tasks.at(-1);
    for (const task of this.rows) {
      // submitted while the answer was on its way
      if (first !== undefined && newestFirst(task, first) < 0) continue;
      if (last !== undefined && more && newestFirst(task, last) > 0) break;
      if (!named.has(task.taskId)) this.#drop(task.taskId);
    }
    if (!more) this.more = false;
    this.merge(tasks);
  }

  /**
   * Something happened to a task. Returns whether that shows.
   * @param {SwarmEvent} event
   */
  apply({ event, at, taskId, kind = '', priority = 0, attempt = 0, agentId, detail }) {
    if (taskId === undefined) return false;
    if (event === 'task-withdrawn') return this.#drop(taskId);
    const known = this.#byId.get(taskId);
    const state =
      event === 'task-submitted' || event === 'task-retried' ? 'queued' : event.slice('task-'.length);
    if (known === undefined && event !== 'task-submitted') return false;
    const {
      waitsFor: _waitsFor,
      notBefore: _notBefore,
      ...before
    } = /** @type {Task} */ (
      known ?? {
        taskId,
        kind,
        priority,
        submittedAt: at,
        queuedMs: null,
        runMs: null,
        progress: null,
        agentId: null,
        error: null,
      }
    );
    const changed = /** @type {Task} */ ({
      ...before,
      state,
      attempts: attempt,
      agentId: agentId ?? before.agentId,
      ...(state === 'leased' ? { queuedMs: Math.max(0, at - before.submittedAt), leasedAt: at } : {}),
      ...(isFinished(state) ? { finishedAt: at } : {}),
      ...(state === 'completed' && before.leasedAt !== undefined
        ? { runMs: Math.max(0, at - before.leasedAt) }
        : {}),
      ...(detail === undefined ? {} : { error: errorOf(detail) }),
    });
    return this.#put(changed) && this.#bound();
  }

  /** @param {Task} task */
  #put(task) {
    const { state, kind } = this.filter;
    if ((state !== '' && task.state !== state) || (kind !== '' && task.kind !== kind))
      return this.#drop(task.taskId);
    this.#byId.set(task.taskId, task);
    this.#sorted = null;
    return true;
  }

  /** @param {string} taskId */
  #drop(taskId) {
    const had = this.#byId.delete(taskId);
    if (had) this.#sorted = null;
    return had;
  }

  #bound() {
    if (this.#byId.size > MAX_TASKS + SLACK) void this.rows;
    return true;
  }
}

/**
 * @param {Task} a
 * @param {Task} b
 */
function newestFirst(a, b) {
  return b.submittedAt - a.submittedAt || (a.taskId < b.taskId ? 1 : a.taskId > b.taskId ? -1 : 0);
}

/** @param {string} detail `NAME: message` */
function errorOf(detail) {
  const [name = '', ...rest] = detail.split(': ');
  return { name, message: rest.join(': ') };
}
