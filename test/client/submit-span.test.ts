import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import t from 'tap';
import { inSubmitSpan, isTraced } from '../../src/client/submit-span.js';
import type { TaskRequest } from '../../src/client/task.js';

const REQUEST: TaskRequest = { kind: 'compute', input: null };

t.test('a submit within a span of the process is a span below it, and the parent of the task', async (t) => {
  t.equal(isTraced(), false, 'nothing is set up yet');
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  t.equal(isTraced(), true);
  const asked: TaskRequest[] = [];
  const accept = (request: TaskRequest) => {
    asked.push(request);
    return Promise.resolve({ taskId: 't1' });
  };
  const refuse = () => Promise.reject(new RangeError('no room'));

  await inSubmitSpan(REQUEST, accept);
  t.strictSame(asked, [REQUEST], 'without an active span it is as it was');
  await trace.getTracer('test').startActiveSpan('outer', async (outer) => {
    t.strictSame(await inSubmitSpan(REQUEST, accept), { taskId: 't1' });
    await t.rejects(inSubmitSpan(REQUEST, refuse), /no room/);
    outer.end();
  });
  const [sent, refused, outer] = exporter.getFinishedSpans();
  const { traceId, spanId } = outer?.spanContext() ?? {};
  t.match(sent, {
    name: 'submit compute',
    parentSpanContext: { traceId, spanId },
    attributes: { 'messaging.message.id': 't1' },
  });
  t.equal(asked[1]?.traceparent, `00-${String(traceId)}-${String(sent?.spanContext().spanId)}-01`);
  t.match(refused, { status: { code: 2, message: 'no room' }, attributes: { 'error.type': 'RangeError' } });
});
