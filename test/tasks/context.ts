import type { TaskContext } from '../../src/tasks/kind.js';

/** A context that records progress; `controller` aborts it. */
export function testContext(controller = new AbortController()) {
  const fractions: number[] = [];
  const context: TaskContext = {
    taskId: 'task-1',
    memories: [],
    traceparent: null,
    signal: controller.signal,
    throwIfAborted: () => controller.signal.throwIfAborted(),
    progress: (fraction) => fractions.push(fraction),
  };
  return { context, controller, fractions };
}
