/** Kinds counted by their own name. There may be any number of kinds: what is over this is counted as one. */
export const MAX_COUNTED_KINDS = 64;
export const OTHER_KINDS = 'other';

/** One meter for each kind of task, up to a bound. */
export class MetersByKind<M> {
  readonly #make: (kind: string) => M;
  readonly #meters = new Map<string, M>();

  constructor(make: (kind: string) => M) {
    this.#make = make;
  }

  /** In the order in which their kinds were first seen. */
  get all(): readonly M[] {
    return [...this.#meters.values()];
  }

  of(kind: string): M {
    const known = this.#meters.get(kind);
    if (known !== undefined) return known;
    // the last place is that of all others; a kind that was counted there once stays there, as none is ever forgotten
    const name = this.#meters.size < MAX_COUNTED_KINDS - 1 ? kind : OTHER_KINDS;
    const other = this.#meters.get(name);
    if (other !== undefined) return other;
    const meter = this.#make(name);
    this.#meters.set(name, meter);
    return meter;
  }
}
