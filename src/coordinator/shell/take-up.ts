import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecoveredTask } from '../../store/records.js';

/** Tasks taken up before others get their turn: a few milliseconds' worth. */
const AT_ONCE = 500;

/** Walks the unfinished tasks of a store, some at a time, so that signals and timers are not held up by a million. */
export async function takeUpTasks(
  tasks: AsyncIterable<readonly RecoveredTask[]>,
  takeUp: (chunk: readonly RecoveredTask[]) => void,
): Promise<void> {
  for await (const chunk of tasks) {
    for (let start = 0; start < chunk.length; start += AT_ONCE) {
      takeUp(chunk.slice(start, start + AT_ONCE));
      await nextTurn();
    }
  }
}
