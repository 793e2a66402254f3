import { silentLog } from '../../../observe/log.js';
import type { PatternStore } from '../../../reasoning/patterns/pattern-store.js';
import type { Store } from '../../../store/store.js';
import { IndexThread } from './index-thread.js';
import { KeptPatterns, type KeptPatternsOptions } from './kept-patterns.js';
import { StoreRows } from './store-rows.js';

/** Of the built-in pattern store. */
export type BuiltInPatternsOptions = Omit<KeptPatternsOptions, 'name' | 'rows' | 'index'> & {
  /** Keeps the rows. Is to be closed after the pattern store. */
  readonly store: Pick<Store, 'readEntries' | 'commit'>;
};

/** Patterns in the coordinator's store, found with `usearch` where it can be loaded, else by comparing with each. */
export function builtInPatterns({ store, ...options }: BuiltInPatternsOptions): PatternStore {
  const rows = new StoreRows(store);
  return new KeptPatterns({
    ...options,
    name: 'built-in',
    rows,
    index: new IndexThread(options.log ?? silentLog),
  });
}
