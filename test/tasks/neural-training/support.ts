import type { TaskContext } from '../../../src/tasks/kind.js';

/** Two classes that no straight line parts: a small input with all that is required. */
export function spiral(count: number) {
  const angle = (i: number) => (i / count) * 3 + (i % 2) * Math.PI;
  const radius = (i: number) => 0.2 + i / count;
  return {
    model: {
      inputs: 2,
      layers: [
        { units: 8, activation: 'tanh' },
        { units: 1, activation: 'sigmoid' },
      ],
      loss: 'binary-cross-entropy',
    },
    optimizer: { name: 'adam', learningRate: 0.02 },
    samples: Array.from({ length: count }, (_, i) => [
      radius(i) * Math.cos(angle(i)),
      radius(i) * Math.sin(angle(i)),
    ]),
    labels: Array.from({ length: count }, (_, i) => [i % 2]),
  };
}

export function testContext(): TaskContext {
  return {
    taskId: 't',
    memories: [],
    traceparent: null,
    signal: new AbortController().signal,
    throwIfAborted: () => undefined,
    progress: () => undefined,
  };
}
