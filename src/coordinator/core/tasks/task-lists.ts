import type { MessageOf, TaskSummary } from '../../../protocol/messages.js';
import type { ListedTask } from '../../../store/records.js';
import type { CoreState } from '../state.js';
import { summarizeKnown, summarizeWaiting } from './task-summary.js';
import type { Task } from './task.js';
import { WaitReasons } from './waits-for.js';

/**
 * Lists of tasks by state and kind, the newest submission first. The store has the long lists: finished tasks, and those
 * that are queued. Memory alone knows which leased tasks run and which delays and backoffs are over, so it answers for
 * the states that depend on it, and corrects the store on the others.
 */

/** Tasks in one report when the client names no limit. */
export const DEFAULT_PAGE = 100;

type Query = MessageOf<'QueryTasks'>;
type Report = MessageOf<'TasksReport'>;

/** The report that memory alone can give, or null when the store must be asked. */
export function reportFromMemory(core: CoreState, query: Query, now: number): Report | null {
  const reasons = new WaitReasons(core, now);
  switch (query.state) {
    case 'leased':
    case 'running':
    case 'delayed':
    case 'retrying':
      return report(query, newest(query, core.deadlines.values()).map(waiting(reasons)));
    default:
      return null;
  }
}

/** The report of what the store has listed for the query. */
export function reportTasks(
  core: CoreState,
  query: Query,
  listed: readonly ListedTask[],
  now: number,
): Report {
  const reasons = new WaitReasons(core, now);
  const tasks = listed.map((one) => summarizeKnown(one, core.tasks.get(one.spec.taskId), reasons));
  if (query.state !== 'queued' || core.overdue.size === 0) return report(query, tasks);
  const seen = new Set(tasks.map((task) => task.taskId));
  const others = newest(query, core.overdue).filter((task) => !seen.has(task.spec.taskId));
  return report(query, [...tasks, ...others.map(waiting(reasons))].sort(byNewest));
}

const waiting = (reasons: WaitReasons) => (task: Task) => summarizeWaiting(task, reasons);

function report(query: Query, tasks: TaskSummary[]): Report {
  const { requestId, limit = DEFAULT_PAGE } = query;
  return { type: 'TasksReport', requestId, tasks: tasks.slice(0, limit), more: tasks.length > limit };
}

/**
 * The newest that match, one more than the query's limit. One pass over what waits for a time or is held, in a buffer that
 * is cut when it has grown to twice the limit: O(n + k log k).
 */
function newest(query: Query, tasks: Iterable<Task>): Task[] {
  const { state, kind, before, limit = DEFAULT_PAGE } = query;
  const wanted = limit + 1;
  let found: Task[] = [];
  let oldest = '';
  for (const task of tasks) {
    const { spec, phase, stored } = task;
    if (phase.state !== state || !stored || spec.taskId <= oldest) continue;
    if ((kind !== undefined && spec.kind !== kind) || (before !== undefined && spec.taskId >= before))
      continue;
    found.push(task);
    if (found.length < 2 * wanted) continue;
    found = found.sort(byNewestId).slice(0, wanted);
    oldest = found.at(-1)?.spec.taskId ?? '';
  }
  return found.sort(byNewestId).slice(0, wanted);
}

const byNewestId = (one: Task, other: Task): number => descending(one.spec.taskId, other.spec.taskId);
const byNewest = (one: TaskSummary, other: TaskSummary): number => descending(one.taskId, other.taskId);

/** Ids sort by time of submission. */
function descending(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? 1 : -1;
}
