/**
 * When to ask again what a coordinator has refused because too much was asked in a second. Plain code: it is told what
 * was refused and answered, and says what to ask when.
 *
 * After a refusal one request at a time goes out; each answer lets one more be under way, so that it goes on as fast as
 * the coordinator lets it. The oldest comes first.
 */
export class Pacing {
  readonly #timeoutMs: number;
  /** Those that are to be asked again, oldest first, until they are answered. */
  readonly #held = new Set<number>();
  /** Of these, those that were asked again. */
  readonly #underWay = new Set<number>();
  #window = 1;
  #resumeAt = 0;
  /** An answer came then, or it began. */
  #progressAt = 0;

  /** `timeoutMs`: for how long nothing may get through. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Nothing is held: what is new goes out at once. */
  get idle(): boolean {
    return this.#held.size === 0;
  }

  /** All that is held. */
  get held(): Iterable<number> {
    return this.#held;
  }

  /** False: nothing got through for too long, there is no use in waiting. */
  refused(requestId: number, retryAfterMs: number, now: number): boolean {
    if (this.idle) this.#progressAt = now;
    this.#underWay.delete(requestId);
    this.#held.add(requestId);
    this.#window = 1;
    this.#resumeAt = Math.max(this.#resumeAt, now + retryAfterMs);
    return now - this.#progressAt < this.#timeoutMs;
  }

  /** A new request, while others are held. */
  hold(requestId: number): void {
    this.#held.add(requestId);
  }

  /** The request was taken, or refused for another reason. */
  answered(requestId: number, now: number): void {
    this.#underWay.delete(requestId);
    if (!this.#held.delete(requestId)) return;
    this.#window++;
    this.#progressAt = now;
  }

  /** Nobody waits for it any more. */
  forget(requestId: number): void {
    this.#underWay.delete(requestId);
    this.#held.delete(requestId);
  }

  /** All is asked anew, on another connection. */
  reset(): void {
    this.#held.clear();
    this.#underWay.clear();
  }

  /** The request to ask again now, which then is under way; null when there is none. */
  next(now: number): number | null {
    if (now < this.#resumeAt || this.#underWay.size >= this.#window) return null;
    for (const requestId of this.#held) {
      if (this.#underWay.has(requestId)) continue;
      this.#underWay.add(requestId);
      return requestId;
    }
    return null;
  }

  /** When `next` may have one, without an answer before; null when an answer must come first. */
  get nextAt(): number | null {
    return this.#underWay.size < Math.min(this.#window, this.#held.size) ? this.#resumeAt : null;
  }
}
