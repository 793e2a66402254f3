/**
 * The progress of one task through its stages, and its chance to look up from its work. Costs are estimates in
 * nanoseconds: they weigh the stages against one another and space the pauses, and need no precision for that.
 */
export class Work {
  #done = 0;
  #stageEnd: number;
  #sincePause = 0;

  /**
   * @param total cost of all stages
   * @param pause called every few milliseconds with the fraction done, 0 to 1; may throw to end the computation.
   */
  constructor(
    private readonly total = Infinity,
    private readonly pause: (fraction: number) => void = () => undefined,
    private readonly interval = 2e6,
  ) {
    this.#stageEnd = total;
  }

  /** Runs one stage; whatever it added meanwhile, it ends at its cost. */
  stage<T>(cost: number, run: () => T): T {
    const end = Math.min(this.total, this.#done + cost);
    this.#stageEnd = end;
    const result = run();
    this.#done = end;
    this.#stageEnd = this.total;
    return result;
  }

  add(cost: number): void {
    this.#done = Math.min(this.#stageEnd, this.#done + cost);
    this.#sincePause += cost;
    if (this.#sincePause < this.interval) return;
    this.#sincePause = 0;
    this.pause(this.total === Infinity ? 0 : Math.min(1, this.#done / this.total));
  }
}
