/** @import { SwarmEvent } from './types.js' */

/** Seconds shown. */
export const WINDOW = 180;
/** Unfinished tasks whose times are remembered; the oldest are given up first. */
const MAX_OPEN = 20_000;
/** Times kept of one second; beyond it each further one takes a random place, so that all are equally likely to stay. */
const MAX_SAMPLES = 1_000;

/**
 * What one second brought.
 * @typedef {{ submitted: number, completed: number, failed: number, total: number[], wait: number[], seen: number }} Second
 */

/** Throughput and latency of the last minutes, made from the events. */
export class Rates {
  /** @type {Map<number, Second>} by second since 1970, those of the window alone */
  #seconds = new Map();
  /** @type {Map<string, { submittedAt: number, startedAt: number }>} */
  #open = new Map();

  /** Seconds remembered. */
  get size() {
    return this.#seconds.size;
  }

  /** @param {SwarmEvent} event */
  apply({ event, at, taskId }) {
    if (taskId === undefined) return;
    switch (event) {
      case 'task-submitted':
      case 'task-retried':
        this.#open.set(taskId, { submittedAt: at, startedAt: 0 });
        if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? '');
        if (event === 'task-submitted') this.#second(at).submitted++;
        break;
      case 'task-leased': {
        const open = this.#open.get(taskId);
        if (open !== undefined && open.startedAt === 0) open.startedAt = at;
        break;
      }
      case 'task-completed':
        this.#second(at).completed++;
        this.#end(taskId, at);
        break;
      case 'task-failed':
      case 'task-dead':
        this.#second(at).failed++;
        this.#open.delete(taskId);
        break;
      case 'task-cancelled':
      case 'task-withdrawn':
        this.#open.delete(taskId);
        break;
    }
  }

  /**
   * Seconds of the window up to the last full one. `null` stands for a second in which nothing ended.
   * @param {number} now milliseconds
   */
  series(now) {
    const end = Math.floor(now / 1000);
    const times = Array.from({ length: WINDOW }, (_, i) => end - WINDOW + i);
    const seconds = times.map((second) => this.#seconds.get(second));
    return {
      times,
      completed: seconds.map((second) => second?.completed ?? 0),
      submitted: seconds.map((second) => second?.submitted ?? 0),
      failed: seconds.map((second) => second?.failed ?? 0),
      p50: seconds.map((second) => quantile(second?.total, 0.5)),
      p99: seconds.map((second) => quantile(second?.total, 0.99)),
      wait: seconds.map((second) => quantile(second?.wait, 0.99)),
    };
  }

  /**
   * Over the last `count` full seconds.
   * @param {number} now
   * @param {number} count
   */
  recent(now, count) {
    const end = Math.floor(now / 1000);
    const seconds = Array.from({ length: count }, (_, i) => this.#seconds.get(end - 1 - i));
    const total = seconds.flatMap((second) => second?.total ?? []);
    return {
      completedPerSecond: seconds.reduce((sum, second) => sum + (second?.completed ?? 0), 0) / count,
      p50: quantile(total, 0.5),
      p99: quantile(total, 0.99),
    };
  }

  /**
   * @param {string} taskId
   * @param {number} at
   */
  #end(taskId, at) {
    const open = this.#open.get(taskId);
    if (open === undefined) return;
    this.#open.delete(taskId);
    const second = this.#second(at);
    const place = second.seen < MAX_SAMPLES ? second.seen : Math.floor(Math.random() * (second.seen + 1));
    second.seen++;
    if (place >= MAX_SAMPLES) return;
    second.total[place] = Math.max(0, at - open.submittedAt);
    second.wait[place] = Math.max(0, (open.startedAt || at) - open.submittedAt);
  }

  /** @param {number} at */
  #second(at) {
    const key = Math.floor(at / 1000);
    let second = this.#seconds.get(key);
    if (second === undefined) {
      second = { submitted: 0, completed: 0, failed: 0, total: [], wait: [], seen: 0 };
      // here and not where it is drawn: a page that nobody looks at gets events as well
      for (const known of this.#seconds.keys())
        if (Math.abs(known - key) > WINDOW) this.#seconds.delete(known);
      this.#seconds.set(key, second);
    }
    return second;
  }
}

/**
 * @param {readonly number[] | undefined} values
 * @param {number} q 0 to 1
 * @returns {number | null} by nearest rank; null without values
 */
export function quantile(values, q) {
  if (values === undefined || values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
