/** Somebody for whom bytes are held in memory. */
export interface Holder {
  /** Bytes held for it now. */
  measure(): number;
  /** It is over its share: to be let go, with all that is held for it. */
  cutOff(bytes: number): void;
}

/**
 * A bound on the bytes held for peers: for each of them, and for all together; over the latter the one that holds most
 * goes. Additions are counted at once, what leaves is found out by measuring when a bound seems to be reached: so an
 * addition costs next to nothing, and nobody has to report what the network has taken.
 */
export class ByteBound {
  readonly #each: number;
  readonly #total: number;
  /** At least what is held for each. */
  readonly #estimates = new Map<Holder, number>();
  /** Sum of the estimates. */
  #sum = 0;

  /** Bytes for one holder, and for all of them. */
  constructor(each: number, total: number) {
    this.#each = each;
    this.#total = total;
  }

  /** At most what the bound believes to be held. */
  get bytes(): number {
    return this.#sum;
  }

  /** `bytes` more are held for it; fewer when negative. May call `cutOff`, of this holder or of another. */
  add(holder: Holder, bytes: number): void {
    const before = this.#estimates.get(holder) ?? 0;
    this.#set(holder, before, Math.max(0, before + bytes));
    if (bytes <= 0) return;
    if (before + bytes > this.#each) {
      const held = this.#measure(holder);
      if (held > this.#each) {
        this.#cutOff(holder, held);
        return;
      }
    }
    if (this.#sum > this.#total) this.#reduce();
  }

  remove(holder: Holder): void {
    this.#sum -= this.#estimates.get(holder) ?? 0;
    this.#estimates.delete(holder);
  }

  #reduce(): void {
    for (const holder of this.#estimates.keys()) this.#measure(holder);
    while (this.#sum > this.#total) {
      let most: Holder | null = null;
      let held = 0;
      for (const [holder, bytes] of this.#estimates) {
        if (bytes > held) [most, held] = [holder, bytes];
      }
      if (most === null) return;
      this.#cutOff(most, held);
    }
  }

  #measure(holder: Holder): number {
    const held = holder.measure();
    this.#set(holder, this.#estimates.get(holder) ?? 0, held);
    return held;
  }

  #set(holder: Holder, before: number, after: number): void {
    this.#sum += after - before;
    this.#estimates.set(holder, after);
  }

  #cutOff(holder: Holder, held: number): void {
    this.remove(holder);
    holder.cutOff(held);
  }
}
