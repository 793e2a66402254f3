import t from 'tap';
import { MeteredRunner } from '../../src/agent/metered-runner.js';
import type { RunOutcome } from '../../src/agent/outcome.js';
import type { RunListener, TaskRunner } from '../../src/agent/runner.js';

t.test('runs are counted by kind and outcome, and the listener hears all of it', async (t) => {
  const outcomes: RunOutcome[] = [
    { outcome: 'completed', runMs: 4, payload: new Uint8Array(), summary: null },
    { outcome: 'failed', runMs: 6, error: { name: 'E', message: '', retryable: true } },
    { outcome: 'aborted', runMs: 100 },
  ];
  const asked: RunListener[] = [];
  const inner: TaskRunner = {
    ownKinds: ['mine'],
    start: (_request, listener) => {
      asked.push(listener);
      return { abort: () => undefined, terminate: () => undefined };
    },
  };
  const runner = new MeteredRunner(inner);
  t.same(runner.ownKinds, ['mine']);
  const heard: unknown[] = [];
  for (const outcome of outcomes) {
    runner.start(
      { taskId: 'x', kind: 'compute', payload: new Uint8Array() },
      { progress: (fraction) => heard.push(fraction), finished: (one) => heard.push(one) },
    );
    asked.at(-1)?.progress(0.5);
    asked.at(-1)?.finished(outcome);
  }
  t.same(
    heard,
    outcomes.flatMap((outcome) => [0.5, outcome]),
  );
  t.match(runner.figures(), [{ kind: 'compute', completed: 1, failed: 1, run: { count: 2, sum: 10 } }]);
});

t.test('any number of kinds makes a bounded number of counts', async (t) => {
  const runner = new MeteredRunner({
    ownKinds: [],
    start: (_request, listener) => {
      listener.finished({ outcome: 'completed', runMs: 1, payload: new Uint8Array(), summary: null });
      return { abort: () => undefined, terminate: () => undefined };
    },
  });
  for (let i = 0; i < 100; i++) {
    const listener = { progress: () => undefined, finished: () => undefined };
    runner.start({ taskId: 'x', kind: `k${String(i)}`, payload: new Uint8Array() }, listener);
  }
  t.equal(runner.figures().length, 64);
  t.match(runner.figures().at(-1), { kind: 'other', completed: 37 });
});
