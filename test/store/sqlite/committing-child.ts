import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import { complete, lease, submit } from '../operations.js';

/**
 * Commits pairs of tasks to the store of the directory in its first argument, several batches at a time, until it is
 * killed. Writes the number of each batch on a line of its own once it is acknowledged.
 */
const store = await openSqliteStore({
  directory: process.argv[2] ?? '',
  durability: 'full',
  tuning: { reserveBytes: 0, checkpointIdlePages: 50, checkpointMaxPages: 100 },
});

let next = 0;
async function commitOn(): Promise<never> {
  for (;;) {
    const batch = next++;
    const pair = [`a${batch}`, `b${batch}`];
    await store.commit([...pair.map((id) => submit(id)), ...pair.map((id) => lease(id, 1))]);
    await store.commit(pair.map((id) => complete(id, 1)));
    process.stdout.write(`${batch}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, commitOn));
