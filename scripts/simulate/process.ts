import type { Agenda } from './agenda.js';

/**
 * A process of the simulated machines: it lives, dies, and may stand still for a while (stopped, or busy with something
 * else). What comes for it while it stands still waits; timers that fell due then run first, as an event loop does it.
 */
export abstract class Process {
  protected readonly agenda: Agenda;
  /** Grows with each start; what was meant for an earlier life is lost. */
  #life = 0;
  #alive = false;
  #stalledSince: number | null = null;
  #dueTimers: (() => void)[] = [];
  #waiting: (() => void)[] = [];

  constructor(agenda: Agenda) {
    this.agenda = agenda;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get life(): number {
    return this.#life;
  }

  /** Since when nothing leaves it, or null. */
  get stalledSince(): number | null {
    return this.#stalledSince;
  }

  stall(ms: number): void {
    if (!this.#alive || this.#stalledSince !== null) return;
    const life = this.#life;
    this.#stalledSince = this.agenda.now;
    this.agenda.after(ms, () => {
      if (this.#life === life && this.#alive) this.#goOn();
    });
  }

  /** Something arrives for the life that was current when it was sent. */
  arrive(life: number, run: () => void): void {
    if (life !== this.#life || !this.#alive) return;
    if (this.#stalledSince === null) run();
    else this.#waiting.push(run);
  }

  /** Sets a timer of this life; returns what cancels it. */
  timer(at: number, run: () => void): () => void {
    const life = this.#life;
    let cancelled = false;
    const cancel = this.agenda.at(at, () => {
      if (life !== this.#life || !this.#alive) return;
      if (this.#stalledSince === null) run();
      else
        this.#dueTimers.push(() => {
          if (!cancelled) run();
        });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }

  protected begin(): void {
    this.#life++;
    this.#alive = true;
    this.#stalledSince = null;
  }

  protected end(): void {
    this.#alive = false;
    this.#stalledSince = null;
    this.#dueTimers = [];
    this.#waiting = [];
  }

  #goOn(): void {
    this.#stalledSince = null;
    const due = [...this.#dueTimers, ...this.#waiting];
    this.#dueTimers = [];
    this.#waiting = [];
    const life = this.#life;
    for (const run of due) if (this.#life === life && this.#alive) run();
  }
}
