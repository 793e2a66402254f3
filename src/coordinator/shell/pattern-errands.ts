import type { Log } from '../../observe/log.js';
import type { PatternStore } from '../../reasoning/patterns/pattern-store.js';
import type { Action, CoreEvent, FoundPatterns, PatternQuestion } from '../core/contract.js';

/** What the core wants of the patterns. */
export type PatternAction = Extract<
  Action,
  { readonly type: 'keepPattern' | 'patternOutcome' | 'findPatterns' }
>;

export interface PatternErrandOptions {
  /** Null: no patterns are kept. */
  readonly store: PatternStore | null;
  readonly log: Log;
  /** Hands the answer to the core. */
  readonly answer: (event: CoreEvent) => void;
}

/** Carries out what the core wants of the pattern store, and brings the answers. One that fails is an answer too. */
export class PatternErrands {
  readonly #options: PatternErrandOptions;

  constructor(options: PatternErrandOptions) {
    this.#options = options;
  }

  carryOut(action: PatternAction): void {
    const { store, answer } = this.#options;
    switch (action.type) {
      case 'keepPattern':
        store?.put(action.pattern);
        return;
      case 'patternOutcome':
        store?.report(action.taskId, action.outcome);
        return;
      case 'findPatterns': {
        const { lookupId, like, count } = action;
        this.#find(like, count).then(
          (found) => answer({ type: 'patternsFound', lookupId, found }),
          (err: unknown) => {
            this.#options.log.warn({ err }, 'the pattern store did not answer');
            const reason = err instanceof Error ? err.message : String(err);
            answer({ type: 'patternsFound', lookupId, found: { state: 'unavailable', reason } });
          },
        );
      }
    }
  }

  async #find(like: PatternQuestion, count: number): Promise<FoundPatterns> {
    const { store } = this.#options;
    if (store === null) return { state: 'off' };
    const own = like !== null && 'taskId' in like ? await store.get(like.taskId) : null;
    const vector = like !== null && 'vector' in like ? like.vector : (own?.vector ?? null);
    if (like !== null && vector === null) return { state: 'unknown' };
    // its own pattern is the one most like it, and no news
    const found = vector === null ? [] : await store.search(vector, own === null ? count : count + 1);
    const similar = found.filter(({ pattern }) => pattern.taskId !== own?.taskId).slice(0, count);
    return { state: 'found', store: store.name, counts: await store.counts(), similar };
  }
}
