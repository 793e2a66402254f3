import { inputServed, trimInput } from './input-reads.js';
import type { CoreState } from '../state.js';
import { failUnreadable } from './task-flow.js';
import { hasInput, isFinished, type Task } from './task.js';

/**
 * Inputs beyond what memory may hold are in the store alone. They are read in batches before their tasks' turn comes, and
 * a task whose input is not there is not leased. One read is under way at a time.
 */

/** Tasks in the order of their turn that shall have their inputs at hand. */
const READ_AHEAD = 512;
/** Of `inputCacheBytes`, what one read may bring, though never less than a megabyte, and one input in any case. */
const READ_SHARE = 1 / 4;
const READ_BYTES = 1024 * 1024;

/** Starts to read what will be needed next. `wanted`: the task whose turn it is and whose input is missing, if it is so. */
export function readAhead(core: CoreState, wanted: Task | null): void {
  const { inputs, tasks, scheduler, options } = core;
  if (tasks.cachedBytes === tasks.inputBytes || inputs.underWay !== null || inputs.paused) return;
  if (wanted === null && inputs.leasesToGo > 0) return;
  // not only kinds with free credit: a busy agent wants its next task the moment it is done
  const ahead = core.ready.ahead(
    (kind) => scheduler.isOffered(kind) && !core.pausedKinds.has(kind),
    READ_AHEAD,
  );
  inputs.leasesToGo = ahead.length >> 1;
  const maxBytes = Math.max(READ_BYTES, options.inputCacheBytes * READ_SHARE);
  const missing: Task[] = [];
  let bytes = 0;
  for (const task of wanted === null ? ahead : [wanted, ...ahead]) {
    if (hasInput(task) || (task === wanted && missing.length > 0)) continue;
    bytes += task.inputBytes;
    if (missing.length > 0 && bytes > maxBytes) break;
    missing.push(task);
  }
  if (missing.length === 0) return;
  dropOvertaken(core, ahead);
  const readId = inputs.nextReadId++;
  inputs.underWay = { readId, tasks: missing };
  core.act({ type: 'readInputs', readId, taskIds: missing.map((task) => task.spec.taskId) });
}

/** The store has answered, or could not (null): then it is asked again after a pause. */
export function inputsRead(
  core: CoreState,
  readId: number,
  inputs: readonly (Uint8Array | null)[] | null,
  now: number,
): void {
  const { underWay } = core.inputs;
  if (underWay?.readId !== readId) return;
  core.inputs.underWay = null;
  if (inputs === null) {
    core.timers.set(core.inputs.retryTimer, now + core.options.storeRetryMs);
    core.log('warn', 'the store could not read inputs: their tasks wait', {
      tasks: underWay.tasks.length,
      retryAfterMs: core.options.storeRetryMs,
    });
    return;
  }
  for (const [i, task] of underWay.tasks.entries()) {
    // it may have ended meanwhile, and even have been retried under another object
    if (isFinished(task.phase) || core.tasks.get(task.spec.taskId) !== task) continue;
    const input = inputs[i] ?? null;
    if (input === null) {
      if (core.ready.has(task)) failUnreadable(core, task, now);
    } else {
      core.tasks.putInput(task, input);
      if (core.ready.has(task)) core.inputs.loaded.add(task);
    }
  }
}

/** What was read for tasks that others have overtaken since makes room. */
function dropOvertaken(core: CoreState, ahead: readonly Task[]): void {
  const { loaded } = core.inputs;
  if (loaded.size === 0) return;
  const next = new Set(ahead);
  for (const task of loaded) {
    if (next.has(task)) continue;
    inputServed(core, task);
    trimInput(core, task);
  }
}
