import t from 'tap';
import type { CoreEvent } from '../../../src/coordinator/core/contract.js';
import { StoreErrands } from '../../../src/coordinator/shell/store-errands.js';
import { silentLog } from '../../../src/observe/log.js';
import { StoreError, type Nonce, type Store } from '../../../src/store/store.js';
import { FakeClock } from '../../support/fake-clock.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const down = () => Promise.reject(new StoreError('UNAVAILABLE', 'disk trouble'));

/** A store of which only what a test needs exists. */
function storeOf(parts: Partial<Store>): Store {
  return {
    commit: down,
    load: down,
    readInputs: down,
    readStates: down,
    readResults: down,
    keyHolder: down,
    get: down,
    list: down,
    count: down,
    prune: down,
    consumeNonces: down,
    readExperiences: down,
    readEntries: down,
    close: () => Promise.resolve(),
    ...parts,
  };
}

function world(parts: Partial<Store>) {
  const clock = new FakeClock();
  const answers: CoreEvent[] = [];
  const errands = new StoreErrands({
    store: storeOf(parts),
    clock,
    log: silentLog,
    nonceLifetimeMs: 5000,
    answer: (event) => void answers.push(event),
  });
  return { clock, answers, errands };
}

t.test('brings what the store says', async (t) => {
  const input = Uint8Array.of(1);
  const { answers, errands } = world({
    commit: (ops) => Promise.resolve(ops.map(() => ({ status: 'applied' }))),
    get: () => Promise.resolve([null]),
    list: () => Promise.resolve([]),
    readInputs: () => Promise.resolve([input, null]),
    readStates: () => Promise.resolve(['dead', null]),
    keyHolder: (key, at) => Promise.resolve(`${key} at ${at}`),
    readResults: () => Promise.resolve([null, input]),
  });
  errands.carryOut({ type: 'commit', commitId: 1, ops: [{ op: 'drop-session', agentId: 'a' }] });
  errands.carryOut({ type: 'lookup', lookupId: 2, taskId: 't' });
  errands.carryOut({ type: 'list', lookupId: 3, filter: { limit: 5 } });
  errands.carryOut({ type: 'readInputs', readId: 4, taskIds: ['t', 'u'] });
  const key = { idempotencyKey: 'k', at: 7 };
  errands.carryOut({ type: 'readStates', readId: 5, taskIds: ['t', 'u'], key });
  errands.carryOut({ type: 'readResults', readId: 6, taskId: 't', resultsOf: ['u', 'v'] });
  await settled();
  t.same(answers, [
    { type: 'committed', commitId: 1, outcomes: [{ status: 'applied' }] },
    { type: 'found', lookupId: 2, task: null },
    { type: 'listed', lookupId: 3, tasks: [] },
    { type: 'inputsRead', readId: 4, inputs: [input, null] },
    { type: 'statesRead', readId: 5, found: { states: ['dead', null], keyHolder: 'k at 7' } },
    { type: 'resultsRead', readId: 6, found: { input, results: [null, input] } },
  ]);
});

t.test('a store that fails is an answer too', async (t) => {
  const { answers, errands } = world({});
  errands.carryOut({ type: 'commit', commitId: 1, ops: [] });
  errands.carryOut({ type: 'lookup', lookupId: 2, taskId: 't' });
  errands.carryOut({ type: 'list', lookupId: 3, filter: { limit: 5 } });
  errands.carryOut({ type: 'readInputs', readId: 4, taskIds: ['t'] });
  errands.carryOut({ type: 'readStates', readId: 5, taskIds: ['t'], key: null });
  errands.carryOut({ type: 'readResults', readId: 6, taskId: 't', resultsOf: [] });
  errands.carryOut({ type: 'consumeNonce', connectionId: 'c', nonce: 'n' });
  await settled();
  t.same(answers, [
    { type: 'commitFailed', commitId: 1, reason: 'disk trouble' },
    { type: 'found', lookupId: 2, task: null },
    { type: 'listed', lookupId: 3, tasks: null },
    { type: 'inputsRead', readId: 4, inputs: null },
    { type: 'nonceChecked', connectionId: 'c', fresh: false },
    { type: 'statesRead', readId: 5, found: null },
    { type: 'resultsRead', readId: 6, found: null },
  ]);
});

t.test('nonces that come while the store is asked go together in the next question', async (t) => {
  const questions: { nonces: readonly Nonce[]; now: number; answer: (fresh: boolean[]) => void }[] = [];
  const { clock, answers, errands } = world({
    consumeNonces: (nonces, now) => new Promise((answer) => void questions.push({ nonces, now, answer })),
  });
  const now = clock.now();
  errands.carryOut({ type: 'consumeNonce', connectionId: 'c1', nonce: 'a' });
  errands.carryOut({ type: 'consumeNonce', connectionId: 'c2', nonce: 'a' });
  errands.carryOut({ type: 'consumeNonce', connectionId: 'c3', nonce: 'b' });
  t.same(
    questions.map(({ nonces }) => nonces),
    [[{ value: 'a', expiresAt: now + 5000 }]],
  );
  questions[0]?.answer([true]);
  await settled();
  t.same(answers, [{ type: 'nonceChecked', connectionId: 'c1', fresh: true }]);
  t.same(
    questions[1]?.nonces.map(({ value }) => value),
    ['a', 'b'],
  );
  questions[1]?.answer([false, true]);
  await settled();
  t.same(answers.slice(1), [
    { type: 'nonceChecked', connectionId: 'c2', fresh: false },
    { type: 'nonceChecked', connectionId: 'c3', fresh: true },
  ]);
  t.equal(questions.length, 2);
});
