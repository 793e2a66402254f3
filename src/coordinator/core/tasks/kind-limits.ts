import type { KindLimit } from '../contract.js';

interface Meter {
  readonly concurrency: number;
  /** Time between two starts at the full rate, ms; 0: no bound. */
  readonly intervalMs: number;
  /** How far ahead of the even spread starts may run: the burst. */
  readonly slackMs: number;
  /** When the next start would be due if all were evenly spread. */
  nextAt: number;
  running: number;
}

/**
 * How many leases of a kind may be held at once, and how many may start in a second. The rate is a token bucket in its
 * virtual-scheduling form (GCRA, ITU-T I.371): it keeps one time instead of a count, so nothing has to be refilled, and
 * says exactly when the next start is allowed.
 */
export class KindLimits {
  readonly #meters = new Map<string, Meter>();

  constructor(limits: ReadonlyMap<string, KindLimit>) {
    for (const [kind, { concurrency, perSecond }] of limits) {
      const intervalMs = perSecond === null ? 0 : 1000 / perSecond;
      this.#meters.set(kind, {
        concurrency: concurrency ?? Infinity,
        intervalMs,
        slackMs: perSecond === null || perSecond <= 1 ? 0 : (perSecond - 1) * intervalMs,
        nextAt: -Infinity,
        running: 0,
      });
    }
  }

  get size(): number {
    return this.#meters.size;
  }

  /** When a lease of the kind may start: a past time means at once, Infinity when others must end first. */
  startableAt(kind: string): number {
    const meter = this.#meters.get(kind);
    if (meter === undefined) return -Infinity;
    return meter.running >= meter.concurrency ? Infinity : meter.nextAt - meter.slackMs;
  }

  /** A lease starts. */
  start(kind: string, now: number): void {
    const meter = this.#meters.get(kind);
    if (meter === undefined) return;
    meter.running++;
    meter.nextAt = Math.max(meter.nextAt, now) + meter.intervalMs;
  }

  /** A lease goes on that was started before: after a restart, or because its agent was told to stop and has not yet. */
  hold(kind: string): void {
    const meter = this.#meters.get(kind);
    if (meter !== undefined) meter.running++;
  }

  /** A lease has ended. */
  end(kind: string): void {
    const meter = this.#meters.get(kind);
    if (meter !== undefined) meter.running--;
  }
}
