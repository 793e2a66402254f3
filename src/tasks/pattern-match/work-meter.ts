/**
 * Lets a long computation look up from its work now and then: kernels add what they did, and every `interval` units
 * `pause` is called with the fraction done. It may throw to end the computation: kernels keep no state to restore.
 */
export class WorkMeter {
  /** Of the whole computation, 0 to 1; set by whoever knows it. */
  fraction = 0;
  #done = 0;

  /** A unit is one cell of a dynamic-programming table, a few nanoseconds; the default interval is a few milliseconds. */
  constructor(
    private readonly pause: (fraction: number) => void = () => undefined,
    private readonly interval = 2 ** 20,
  ) {}

  add(units: number): void {
    this.#done += units;
    if (this.#done < this.interval) return;
    this.#done = 0;
    this.pause(this.fraction);
  }
}
