import type { Store, StoreOp, StoreOutcome } from '../../src/store/store.js';

/** A store whose commits take effect when the test lets them, as those of a slow disk do; all else goes through. */
export class HeldStore implements Store {
  readonly load;
  readonly readInputs;
  readonly readStates;
  readonly readResults;
  readonly keyHolder;
  readonly get;
  readonly list;
  readonly count;
  readonly prune;
  readonly consumeNonces;
  readonly readExperiences;
  readonly readEntries;
  /** Commits that wait, and the bytes of the inputs and results in all that came. */
  waiting: (() => void)[] = [];
  bytesCommitted = 0;
  #held = false;

  constructor(readonly inner: Store) {
    this.load = inner.load.bind(inner);
    this.readInputs = inner.readInputs.bind(inner);
    this.readStates = inner.readStates.bind(inner);
    this.readResults = inner.readResults.bind(inner);
    this.keyHolder = inner.keyHolder.bind(inner);
    this.get = inner.get.bind(inner);
    this.list = inner.list.bind(inner);
    this.count = inner.count.bind(inner);
    this.prune = inner.prune.bind(inner);
    this.consumeNonces = inner.consumeNonces.bind(inner);
    this.readExperiences = inner.readExperiences.bind(inner);
    this.readEntries = inner.readEntries.bind(inner);
  }

  hold(): void {
    this.#held = true;
  }

  /** Lets everything through, now and from now on. */
  release(): void {
    this.#held = false;
    for (const go of this.waiting.splice(0)) go();
  }

  async commit(operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]> {
    if (this.#held) await new Promise<void>((resolve) => this.waiting.push(resolve));
    for (const operation of operations) {
      if (operation.op === 'submit') this.bytesCommitted += operation.input.byteLength;
      if (operation.op === 'complete') this.bytesCommitted += operation.result.byteLength;
    }
    return this.inner.commit(operations);
  }

  close(): Promise<void> {
    this.release();
    return this.inner.close();
  }
}
