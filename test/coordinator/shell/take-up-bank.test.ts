import t, { type Test } from 'tap';
import { BANK_OPTIONS, bankPorts } from '../../../src/coordinator/core/reasoning/bank-options.js';
import { opOf, snapshotOp } from '../../../src/coordinator/core/reasoning/records.js';
import { takeUpBank } from '../../../src/coordinator/shell/take-up-bank.js';
import { silentLog, type Log } from '../../../src/observe/log.js';
import { ReasoningBank } from '../../../src/reasoning/bank.js';
import type { BankEvent } from '../../../src/reasoning/contract.js';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store, StoreOp } from '../../../src/store/store.js';

/** More than one page of entries, and more experiences than are read at first. */
const FORECASTS = 1_100;
const FAILURES = 2_100;

function bankAndPorts() {
  let ids = 0;
  const ports = bankPorts(() => `id-${++ids}`);
  return { ports, bank: new ReasoningBank(BANK_OPTIONS, ports, 0) };
}

/** What of the event is to be stored. */
function records(bank: ReasoningBank, event: BankEvent, now: number): StoreOp[] {
  return bank.handle(event, now).flatMap((action) => (action.type === 'store' ? opOf(action.record) : []));
}

const context = { metric: 'dtw', points: 20, candidates: 5_000 };
const facts = (n: number) => ({
  taskId: `t${n}`,
  agentId: `a${n % 3}`,
  kind: 'pattern-match',
  context,
  startedAt: n,
});
const forecast = (n: number): BankEvent => ({
  type: 'taskCompleted',
  ...facts(n),
  latencyMs: 5 + (n % 7),
  confidence: 0.5,
  awaits: { expected: 0.01 },
});
const failure = (n: number): BankEvent => ({ type: 'taskFailed', ...facts(n), attempt: 1, error: 'BOOM' });

async function open(t: Test, directory: string): Promise<Store> {
  const store = await openSqliteStore({ directory, durability: 'normal', tuning: { reserveBytes: 0 } });
  t.teardown(() => store.close());
  return store;
}

t.test('a bank is taken up from a database as it was, with a snapshot and what came after it', async (t) => {
  const directory = t.testdir();
  const { ports, bank } = bankAndPorts();
  const store = await open(t, directory);
  const ops: StoreOp[] = [];
  for (let n = 0; n < FORECASTS; n++) ops.push(...records(bank, forecast(n), n));
  for (let n = 0; n < FAILURES; n++) ops.push(...records(bank, failure(n), FORECASTS + n));
  await store.commit(ops);

  const early = await takeUpBank(store, BANK_OPTIONS, ports, 5_000, silentLog);
  t.strictSame(early.performance.rows({}), bank.performance.rows({}), 'from single records alone');
  t.equal(early.reports.summary().pendingForecasts, FORECASTS);

  await store.commit([snapshotOp(bank.snapshot(5_000))]);
  const later: StoreOp[] = [];
  for (let n = 0; n < 40; n++) {
    later.push(
      ...records(bank, { type: 'outcomeReported', taskId: `t${n}`, outcome: { actual: -0.01 } }, 5_001 + n),
    );
  }
  await store.commit(later);
  await store.close();

  const again = await takeUpBank(await open(t, directory), BANK_OPTIONS, ports, 6_000, silentLog);
  t.strictSame(again.performance.rows({}), bank.performance.rows({}));
  t.strictSame(again.reports.summary().pendingForecasts, FORECASTS - 40);
  t.strictSame(again.reports.underWay(), bank.reports.underWay());
  t.strictSame(again.reports.memories(), bank.reports.memories());
  t.ok(bank.reports.memories().length > 0);
  t.equal(again.knowsOutcome('t0'), true, 'an outcome counts once, also over a restart');
  t.equal(again.forecast('t40')?.expected, 0.01);
});

t.test('damaged entries of a database are left out, and said', async (t) => {
  const { ports, bank } = bankAndPorts();
  const store = await open(t, t.testdir());
  const value = Buffer.from('{"half": ');
  await store.commit([
    ...records(bank, forecast(1), 1),
    { op: 'put-entry', entry: { collection: 'forecast', key: 'x', value } },
    { op: 'put-entry', entry: { collection: 'bank-snapshot', key: 'latest', value } },
  ]);
  const warnings: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => void warnings.push(fields) };
  const taken = await takeUpBank(store, BANK_OPTIONS, ports, 10, log);
  t.strictSame(warnings, [{ damaged: 2 }]);
  t.equal(taken.forecast('t1')?.expected, 0.01);
});
