import fc from 'fast-check';
import t from 'tap';
import { historyEntryOf } from '../../../src/store/history.js';
import { historyLine } from '../../../src/store/sqlite/history-text.js';
import { OpReader, OpWriter } from '../../../src/store/sqlite/op-buffer.js';
import { packOps, packOutcomes, readOps, readOutcomes } from '../../../src/store/sqlite/op-codec.js';
import { packValues, ValueReader } from '../../../src/store/sqlite/values.js';
import type { StoreOp, StoreOutcome } from '../../../src/store/store.js';

const id = fc.string({ unit: 'grapheme', maxLength: 40 });
const number = fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const bytes = fc.uint8Array({ maxLength: 300 });
const error = fc.record({ name: id, message: id, retryable: fc.boolean() });
const lease = fc.record({
  taskId: id,
  attempt: fc.nat(),
  epoch: fc.maxSafeNat(),
  agentId: id,
  coordinatorId: id,
  leasedAt: number,
  deadlineAt: number,
});
const spec = fc.record({
  taskId: id,
  kind: id,
  priority: fc.nat(10),
  timeoutMs: number,
  maxAttempts: fc.nat(),
  idempotencyKey: maybe(id),
  keyHeldUntil: maybe(number),
  affinity: maybe(id),
  submittedAt: number,
});
const session = fc.record({
  agentId: id,
  agentType: fc.constantFrom('worker', 'neural'),
  kinds: fc.array(id),
  concurrency: fc.nat(),
  tokenHash: id,
  previousTokenHash: maybe(id),
  certificate: maybe(id),
  startedAt: number,
});
const scalar = fc.oneof(id, number, fc.boolean(), fc.constant(null));
const experience = fc.record(
  {
    experienceId: id,
    agentId: id,
    taskId: id,
    action: id,
    context: fc.dictionary(
      id.filter((name) => name !== '__proto__'),
      scalar,
      { noNullPrototype: true },
    ),
    outcome: fc.record({ value: number, confidence: number, latencyMs: number }),
    recordedAt: number,
    receivedAt: number,
  },
  { requiredKeys: ['experienceId', 'agentId', 'action', 'context', 'outcome', 'recordedAt', 'receivedAt'] },
);
const op = <Name extends StoreOp['op']>(name: Name) => fc.constant(name);
const why = fc.constantFrom('fail', 'timeout', 'lost');

const operation: fc.Arbitrary<StoreOp> = fc.oneof(
  fc.record({ op: op('submit'), spec, input: bytes, notBefore: maybe(number) }),
  fc.record({ op: op('lease'), lease }),
  fc.record({ op: op('extend'), taskId: id, epoch: fc.nat(), deadlineAt: number }),
  fc.record({
    op: op('complete'),
    taskId: id,
    epoch: fc.nat(),
    finishedAt: number,
    runMs: number,
    result: bytes,
  }),
  fc.record({
    op: op('fail'),
    taskId: id,
    epoch: fc.nat(),
    state: fc.constantFrom('failed', 'dead'),
    finishedAt: number,
    runMs: maybe(number),
    error,
  }),
  fc.record({
    op: op('requeue'),
    taskId: id,
    epoch: fc.nat(),
    at: number,
    why,
    notBefore: maybe(number),
    error,
  }),
  fc.record({ op: op('cancel'), taskId: id, epoch: fc.nat(), finishedAt: number }),
  fc.record({ op: op('retry'), taskId: id, epoch: fc.nat(), at: number }),
  fc.record({ op: op('put-ticket-key'), ticketKey: fc.record({ keyId: id, key: bytes, createdAt: number }) }),
  fc.record({ op: op('drop-ticket-key'), keyId: id }),
  fc.record({ op: op('put-session'), session }),
  fc.record({ op: op('drop-session'), agentId: id }),
  fc.record({ op: op('append-experience'), experience }),
  fc.record({
    op: op('release'),
    taskId: id,
    epoch: fc.nat(),
    at: number,
    notBefore: maybe(number),
    input: maybe(bytes),
  }),
  fc.record({
    op: op('unmet'),
    taskId: id,
    epoch: fc.nat(),
    state: fc.constantFrom('failed', 'cancelled'),
    finishedAt: number,
    error,
  }),
  fc.record({
    op: op('put-entry'),
    entry: fc.record({ collection: fc.constant('paused-kind'), key: id, value: bytes }),
  }),
  fc.record({ op: op('drop-entry'), collection: fc.constant('schedule'), key: id }),
);

function packed(write: (to: OpWriter) => void): ArrayBuffer {
  const writer = new OpWriter();
  write(writer);
  return writer.finish();
}

void t.test('operations arrive as they were sent', async (t) => {
  fc.assert(
    fc.property(fc.array(operation), (operations) => {
      // a clone has the prototypes of plain objects
      t.strictSame(readOps(packOps(operations)), structuredClone(operations));
    }),
    { numRuns: 200 },
  );
});

void t.test('outcomes arrive as they were sent, and take no bytes when all went well', async (t) => {
  const outcome: fc.Arbitrary<StoreOutcome> = fc.oneof(
    fc.constant<StoreOutcome>({ status: 'applied' }),
    fc.record({ status: fc.constant('duplicate' as const), taskId: id }),
    fc.record({ status: fc.constant('conflict' as const), epoch: maybe(fc.nat()) }),
  );
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      t.strictSame(readOutcomes(packOutcomes(outcomes), outcomes.length), structuredClone(outcomes));
    }),
  );
  t.equal(packOutcomes([{ status: 'applied' }, { status: 'applied' }]), null);
});

void t.test('a line of history is the JSON of its entry', async (t) => {
  fc.assert(
    fc.property(operation, (operation) => {
      const entry = historyEntryOf(operation);
      t.equal(historyLine(operation), entry === null ? '' : JSON.stringify(entry));
    }),
    { numRuns: 300 },
  );
});

void t.test('a reader refuses what is not what it asks for', async (t) => {
  const reader = (...values: Parameters<typeof packValues>[0]) => ValueReader.ofBuffer(packValues(values));
  const damaged = { name: 'StoreError', message: /a record is damaged/ };
  t.throws(() => reader(1).text(), damaged);
  t.throws(() => reader(null).text(), damaged);
  t.throws(() => reader(null).number(), damaged);
  t.throws(() => reader('a').row(), damaged);
  t.throws(() => reader().text(), damaged, 'past the end');
  t.throws(() => ValueReader.ofText('{}'), damaged);
  t.throws(() => ValueReader.ofText('[5]').bytes(), damaged, 'there are none in a text');
});

void t.test('a reader of operations refuses what cannot be what it asks for', async (t) => {
  const reader = (write: (to: OpWriter) => void) => new OpReader(packed(write));
  const damaged = { name: 'StoreError', message: /a record is damaged/ };
  t.throws(() => reader((to) => to.number(5)).text(), damaged, 'there is no such text');
  t.throws(() => reader((to) => to.text(null)).text(), damaged);
  t.throws(() => reader((to) => to.bytes(null)).bytes(), damaged);
  for (const senseless of [null, NaN, Infinity, -Infinity]) {
    t.throws(() => reader((to) => to.number(senseless)).number(), damaged, String(senseless));
  }
  t.throws(() => reader(() => undefined).number(), damaged, 'past the end');
  t.throws(() => readOps(packed((to) => to.text('mend'))), damaged, 'no operation');
});

void t.test('many operations share their texts, and take as much room as they need', async (t) => {
  const operations = Array.from({ length: 3_000 }, (_, index): StoreOp => ({
    op: 'cancel',
    taskId: `task-${index % 10}`,
    epoch: index,
    finishedAt: 1_700_000_000_000.5 + index,
  }));
  const buffer = packOps(operations);
  t.strictSame(readOps(buffer), operations);
  t.ok(buffer.byteLength < 3_000 * 4 * 8 + 200, `${buffer.byteLength} bytes`);
});

void t.test('small byte strings do not keep the buffer they came in', async (t) => {
  const packed = packValues([new Uint8Array(10).fill(1), new Uint8Array(100_000).fill(2), null]);
  const reader = ValueReader.ofBuffer(packed);
  const [small, large, none] = [reader.ownBytesOrNull(), reader.ownBytesOrNull(), reader.ownBytesOrNull()];
  t.not(small?.buffer, packed);
  t.equal(large?.buffer, packed);
  t.equal(none, null);
  t.ok(small?.every((byte) => byte === 1) && large?.every((byte) => byte === 2));
});
