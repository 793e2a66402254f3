import type { TaskMemory } from '../../../protocol/messages.js';
import type { CoreState } from '../state.js';
import type { Task } from '../tasks/task.js';

/** Lessons sent along with one task. */
const MEMORIES = 3;
/** Kinds whose tasks are too small for lessons. */
const WITHOUT = new Set(['compute']);

/** Lessons for a task that is about to be given out, the most fitting first; null when there are none. */
export function memoriesFor(core: CoreState, task: Task, now: number): TaskMemory[] | null {
  const { bank, used } = core.learning;
  const { kind } = task.spec;
  if (WITHOUT.has(kind) || !bank.remembers(kind)) return null;
  const { recalled } = bank.recall(kind, task.context ?? {}, MEMORIES, now);
  if (recalled.length === 0) return null;
  return recalled.map(({ item }) => {
    used.set(item.memoryId, item);
    return { title: item.title, description: item.description, content: item.content };
  });
}
