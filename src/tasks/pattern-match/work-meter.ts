/** Cells of a table between two calls of the meter: one for each short row would cost as much as the row. */
export const METER_CELLS = 1000;

/**
 * Lets a long computation look up from its work now and then: kernels add what they did, and every `interval` units
 * `pause` is called with the fraction done. It may throw to end the computation: kernels keep no state to restore.
 */
export class WorkMeter {
  /** Of the whole computation, 0 to 1; set by whoever knows it. */
  fraction = 0;
  #done = 0;
  #from = 0;
  #share = 1;

  /** A unit is one cell of a dynamic-programming table, a few nanoseconds; the default interval is a few milliseconds. */
  constructor(
    private readonly pause: (fraction: number) => void = () => undefined,
    private readonly interval = 2 ** 20,
  ) {}

  /** From now on `fraction` is that of a part of the whole: of the `share` that begins at `from`, both 0 to 1. */
  part(from: number, share: number): void {
    this.#from = from;
    this.#share = share;
    this.fraction = 0;
  }

  add(units: number): void {
    this.#done += units;
    if (this.#done < this.interval) return;
    this.#done = 0;
    this.pause(this.#from + this.#share * this.fraction);
  }
}
