import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import t from 'tap';
import { silentLog } from '../../../src/observe/log.js';
import { WatchedExporter } from '../../../src/observe/tracing/watched-exporter.js';

type Done = Parameters<SpanExporter['export']>[1];
type ExportResult = Parameters<Done>[0];

// The SDK's enumeration: packages of it bring copies of their own, which are not the same to the compiler.
/* eslint-disable @typescript-eslint/no-unsafe-enum-assignment */
const success: ExportResult = { code: 0 };
const FAILED: ExportResult['code'] = 1;
/* eslint-enable */

t.test('a collector that is away is told of once, and once more when it is back', async (t) => {
  const said: unknown[] = [];
  const note = (fields: object, msg: string) => said.push({ msg, ...fields });
  const answers: Done[] = [];
  const exporter = new WatchedExporter(
    { export: (_spans, done) => answers.push(done), shutdown: () => Promise.resolve() },
    'http://c:4318/',
    { ...silentLog, info: note, warn: note },
  );
  const results: ExportResult[] = [];
  const send = (result: ExportResult) => {
    exporter.export([], (one) => results.push(one));
    answers.shift()?.(result);
  };
  const away = {
    code: FAILED,
    error: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
  };
  const sent = [success, away, away, away, success, success, away];
  for (const result of sent) send(result);
  t.strictSame(results, Array(sent.length).fill(success), 'nobody else is to tell of it');
  t.match(said, [
    { msg: 'spans cannot be exported', endpoint: 'http://c:4318/', reason: 'ECONNREFUSED' },
    { msg: 'spans are exported again' },
    { msg: 'spans cannot be exported' },
  ]);
  exporter.close();
  send(success);
  t.equal(said.length, 3, 'nothing is told of what nobody waits for');
});
