import t from 'tap';
import { takeUpResetKey } from '../../../src/coordinator/shell/reset-key.js';
import { silentLog } from '../../../src/observe/log.js';
import { MemoryStore } from '../../../src/store/memory-store.js';

t.test('the key outlives the process that made it', async (t) => {
  const store = new MemoryStore();
  const made = await takeUpResetKey(store, silentLog);
  t.equal(made.length, 32);
  t.same(await takeUpResetKey(store, silentLog), made);
  t.notSame(await takeUpResetKey(new MemoryStore(), silentLog), made);
});

t.test('one of another length is made anew', async (t) => {
  const store = new MemoryStore();
  const entry = { collection: 'secret', key: 'stateless-reset', value: new Uint8Array(5) } as const;
  await store.commit([{ op: 'put-entry', entry }]);
  const made = await takeUpResetKey(store, silentLog);
  t.equal(made.length, 32);
  t.same(await takeUpResetKey(store, silentLog), made);
});

t.test('one that cannot be stored serves nevertheless, and that is said', async (t) => {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, text: string) => void warnings.push(text) };
  const store = { readEntries: () => Promise.resolve([]), commit: () => Promise.reject(new Error('full')) };
  t.equal((await takeUpResetKey(store, log)).length, 32);
  t.match(warnings, [/could not be stored/]);
});
