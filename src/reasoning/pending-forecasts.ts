import type { Context } from './experience.js';
import { KeyedQueue } from '../collections/keyed-queue.js';

/** A forecast that was delivered and waits for its future. */
export interface PendingForecast {
  readonly taskId: string;
  readonly agentId: string;
  readonly kind: string;
  readonly context: Context;
  /** Null when its worth will be reported on the scale of the kind. */
  readonly expected: number | null;
  /** 0 to 1, or null. */
  readonly confidence: number | null;
  readonly latencyMs: number;
  readonly startedAt: number;
  readonly deliveredAt: number;
}

export interface PendingLimits {
  readonly maxPending: number;
  /** How long a forecast waits for its outcome. */
  readonly maxAgeMs: number;
}

/** Forecasts without an outcome yet, oldest first; at most `maxPending`, none older than `maxAgeMs`. */
export class PendingForecasts {
  readonly #limits: PendingLimits;
  /** In the order of delivery. */
  readonly #queue = new KeyedQueue<PendingForecast>();

  constructor(limits: PendingLimits, forecasts: readonly PendingForecast[] = []) {
    this.#limits = limits;
    for (const forecast of forecasts) this.#queue.set(forecast.taskId, forecast);
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Returns the forecast that had to make room, or null. A second one of the same task replaces the first. */
  add(forecast: PendingForecast): PendingForecast | null {
    this.#queue.set(forecast.taskId, forecast);
    return this.#queue.size > this.#limits.maxPending ? (this.#queue.takeOldest() ?? null) : null;
  }

  get(taskId: string): PendingForecast | null {
    return this.#queue.get(taskId) ?? null;
  }

  delete(taskId: string): void {
    this.#queue.take(taskId);
  }

  /** Removes and returns one whose time is over, or null. */
  popExpired(now: number): PendingForecast | null {
    const deadline = this.nextDeadline();
    return deadline === null || deadline > now ? null : (this.#queue.takeOldest() ?? null);
  }

  nextDeadline(): number | null {
    const oldest = this.#queue.oldest();
    return oldest === undefined ? null : oldest.deliveredAt + this.#limits.maxAgeMs;
  }

  plain(): readonly PendingForecast[] {
    return this.#queue.toArray();
  }
}
