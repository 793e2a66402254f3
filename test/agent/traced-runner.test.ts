import t from 'tap';
import type { RunOutcome } from '../../src/agent/outcome.js';
import type { RunListener, RunRequest, TaskRunner } from '../../src/agent/runner.js';
import { TracedRunner } from '../../src/agent/traced-runner.js';
import { readTraceparent } from '../../src/protocol/traceparent.js';
import { SpanList } from '../support/span-list.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const ATTEMPT = '00f067aa0ba902b7';
const FAILED: RunOutcome = {
  outcome: 'failed',
  runMs: 6,
  error: { name: 'E', message: 'broken', retryable: true },
};

/** Runs one request, which ends with `outcome` 10 ms after its start; what the handler would have been given. */
function run(list: SpanList, traceparent: string | undefined, outcome: RunOutcome) {
  let now = 1_000;
  const asked: { request: RunRequest; listener: RunListener }[] = [];
  const inner: TaskRunner = {
    ownKinds: ['mine'],
    start: (request, listener) => {
      asked.push({ request, listener });
      return { abort: () => undefined, terminate: () => undefined };
    },
  };
  const heard: unknown[] = [];
  const request = { taskId: 'x', kind: 'mine', payload: new Uint8Array() };
  const runner = new TracedRunner(inner, list, () => now);
  runner.start(traceparent === undefined ? request : { ...request, traceparent }, {
    progress: (fraction) => heard.push(fraction),
    finished: (one) => heard.push(one),
  });
  now += 10;
  asked[0]?.listener.progress(0.5);
  asked[0]?.listener.finished(outcome);
  return { given: readTraceparent(asked[0]?.request.traceparent ?? ''), heard, ownKinds: runner.ownKinds };
}

t.test('a run is below the attempt it came with, and what the handler does is below the run', async (t) => {
  const list = new SpanList();
  const { given, heard, ownKinds } = run(list, `00-${TRACE}-${ATTEMPT}-01`, FAILED);
  const span = list.one('run mine');
  t.match(span, {
    traceId: TRACE,
    parent: { spanId: ATTEMPT },
    startedAt: 1_004,
    endedAt: 1_010,
    attributes: { 'messaging.message.id': 'x', 'swarm.run.outcome': 'failed' },
    error: { name: 'E', message: 'broken' },
  });
  t.strictSame(given, { traceId: TRACE, spanId: span.spanId, flags: 1 });
  t.strictSame(heard, [0.5, FAILED]);
  t.strictSame(ownKinds, ['mine']);
});

t.test('without a trace, or with ids that are none, a run begins its own', async (t) => {
  for (const traceparent of [undefined, `00-${'0'.repeat(32)}-${ATTEMPT}-01`]) {
    const list = new SpanList();
    run(list, traceparent, { outcome: 'aborted', runMs: 0 });
    t.match(list.one('run mine'), { parent: null, startedAt: 1_000, endedAt: 1_010, error: null });
    t.match(list.one('run mine').traceId, /^[0-9a-f]{32}$/);
  }
});

t.test('what is not sampled is handed on as it came', async (t) => {
  const list = new SpanList(() => false);
  const { given } = run(list, `00-${TRACE}-${ATTEMPT}-00`, FAILED);
  t.strictSame(given, { traceId: TRACE, spanId: ATTEMPT, flags: 0 });
  t.strictSame(list.spans, []);
});
