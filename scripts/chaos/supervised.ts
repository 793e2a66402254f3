import { setTimeout as wait } from 'node:timers/promises';
import type { Daemon } from '../lib/daemons.js';

/** After an end that nobody asked for. */
const RESTART_MS = 300;

/** A daemon that is started again whenever it ends, as a service manager does it, until it is stopped for good. */
export class Supervised {
  readonly name: string;
  /** Ends that no fault of ours explains. */
  unexpectedEnds = 0;
  readonly #start: () => Daemon;
  #daemon: Daemon;
  #downMs: number | null = null;
  #stopping = false;
  readonly #over: Promise<void>;

  constructor(name: string, start: () => Daemon) {
    this.name = name;
    this.#start = start;
    this.#daemon = start();
    this.#over = this.#keepUp();
  }

  /** The process that runs now, or the last one. */
  get daemon(): Daemon {
    return this.#daemon;
  }

  /** kill -9; it is started again after `downMs`. */
  kill(downMs: number): void {
    this.#downMs = downMs;
    this.#daemon.kill('SIGKILL');
  }

  /** SIGSTOP for a while. */
  async freeze(ms: number): Promise<void> {
    const daemon = this.#daemon;
    daemon.kill('SIGSTOP');
    await wait(ms);
    daemon.kill('SIGCONT');
  }

  /** In an orderly way, or by force when it does not end in time. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    this.#daemon.kill('SIGCONT');
    this.#daemon.kill('SIGTERM');
    const timer = setTimeout(() => this.#daemon.kill('SIGKILL'), patienceMs);
    await this.#over;
    clearTimeout(timer);
  }

  async #keepUp(): Promise<void> {
    for (;;) {
      const exit = await this.#daemon.exited;
      if (this.#stopping) return;
      if (this.#downMs === null) {
        this.unexpectedEnds++;
        const said = [
          ...this.#daemon.otherLines,
          ...this.#daemon.lines.slice(-3).map((line) => JSON.stringify(line)),
        ];
        process.stderr.write(`  ${this.name} ended by itself: ${JSON.stringify(exit)} ${said.join(' | ')}\n`);
      }
      await wait(this.#downMs ?? RESTART_MS);
      this.#downMs = null;
      // It may have been stopped for good while it was down.
      if (isTrue(this.#stopping)) return;
      this.#daemon = this.#start();
    }
  }
}

/** Reads a flag that may have changed during an `await`, which the compiler does not take into account. */
function isTrue(flag: boolean): boolean {
  return flag;
}
