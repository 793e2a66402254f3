import type { Store, StoreOp } from '../../../store/store.js';
import type { PatternRow, PatternRows } from './kept-patterns.js';

const COLLECTION = 'pattern';
/** Rows read before others get their turn. */
const PAGE = 200;

/** Patterns among the small values of the coordinator's own store, which somebody else closes. */
export class StoreRows implements PatternRows {
  readonly #store: Pick<Store, 'readEntries' | 'commit'>;

  constructor(store: Pick<Store, 'readEntries' | 'commit'>) {
    this.#store = store;
  }

  async *read(): AsyncIterable<readonly Uint8Array[]> {
    for (let after: string | null = null; ;) {
      const page = await this.#store.readEntries({ collection: COLLECTION, after, limit: PAGE });
      yield page.map(({ value }) => value);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.key;
    }
  }

  async write(puts: readonly PatternRow[], drops: readonly string[]): Promise<void> {
    const ops: StoreOp[] = [
      ...puts.map(({ taskId: key, value }) => {
        return { op: 'put-entry', entry: { collection: COLLECTION, key, value } } as const;
      }),
      ...drops.map((key) => ({ op: 'drop-entry', collection: COLLECTION, key }) as const),
    ];
    await this.#store.commit(ops);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
