/** Latencies kept of one interval: the latest. */
const SAMPLE = 8;
/** Failures of one interval that are told one by one. */
const FAILURES_TOLD = 16;

/**
 * Results of one agent at one kind that are not told one by one, since they were last counted: a small task must cost next
 * to nothing.
 */
export class Tally {
  #delivered = 0;
  #failed = 0;
  #told = 0;
  #latencies: number[] = [];

  constructor(
    readonly agentId: string,
    readonly kind: string,
  ) {}

  deliver(latencyMs: number): void {
    this.#latencies[this.#delivered++ % SAMPLE] = latencyMs;
  }

  /** Whether this failure is to be told by itself; else it is counted here. */
  fail(): boolean {
    if (this.#told < FAILURES_TOLD) {
      this.#told++;
      return true;
    }
    this.#failed++;
    return false;
  }

  /** What was counted, or null when there is nothing; it begins anew. */
  take(): {
    readonly delivered: number;
    readonly failed: number;
    readonly latencies: readonly number[];
  } | null {
    const counted = { delivered: this.#delivered, failed: this.#failed, latencies: this.#latencies };
    this.#delivered = 0;
    this.#failed = 0;
    this.#told = 0;
    this.#latencies = [];
    return counted.delivered + counted.failed === 0 ? null : counted;
  }
}
