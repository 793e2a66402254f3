import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Collection, EntryRecord, RecoveredTask } from '../../store/records.js';
import type { Store } from '../../store/store.js';

/** Tasks taken up before others get their turn: a few milliseconds' worth. */
const AT_ONCE = 500;

/** Walks the unfinished tasks of a store, some at a time, so that signals and timers are not held up by a million. */
export async function takeUpTasks(
  tasks: AsyncIterable<readonly RecoveredTask[]>,
  takeUp: (chunk: readonly RecoveredTask[]) => void,
): Promise<void> {
  for await (const chunk of tasks) {
    for (let start = 0; start < chunk.length; start += AT_ONCE) {
      takeUp(chunk.slice(start, start + AT_ONCE));
      await nextTurn();
    }
  }
}

/** Entries in one read. */
const PAGE = 1000;

/** The small values of a collection, by key; no further page once there are `enough`. */
export async function readCollection(
  store: Pick<Store, 'readEntries'>,
  collection: Collection,
  enough = Infinity,
): Promise<EntryRecord[]> {
  const entries: EntryRecord[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.readEntries({ collection, after, limit: PAGE });
    entries.push(...page);
    const last: EntryRecord | undefined = page.at(-1);
    if (last === undefined || page.length < PAGE || entries.length >= enough) return entries;
    after = last.key;
  }
}

/** Keys that differ from one key in their last character only, and come before it, at most: task ids end in a hexadecimal digit. */
const NEIGHBOURS = 16;

/** One value of a collection whose keys are task ids; null when there is none. */
export async function readEntry(
  store: Pick<Store, 'readEntries'>,
  collection: Collection,
  key: string,
): Promise<Uint8Array | null> {
  const page = await store.readEntries({ collection, after: key.slice(0, -1), limit: NEIGHBOURS });
  return page.find((entry) => entry.key === key)?.value ?? null;
}
