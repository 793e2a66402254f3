import { openSqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { storeConformance } from '../conformance.js';

const directories = new WeakMap<Store, string>();

async function open(directory: string, more: Partial<SqliteStoreOptions> = {}): Promise<Store> {
  // A small step of lists, so that the suite walks several.
  const tuning = { reserveBytes: 0, listStepRows: 3 };
  const store = await openSqliteStore({ directory, durability: 'normal', tuning, ...more });
  directories.set(store, directory);
  return store;
}

storeConformance({
  name: 'sqlite',
  open: (t) => open(t.testdir()),
  reopen: async (_, store) => {
    await store.close();
    return open(directories.get(store) ?? '');
  },
});
