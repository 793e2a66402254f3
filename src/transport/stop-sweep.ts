import { PROBE_STREAMS } from './native.js';

/** How long a STOP_SENDING that nothing else has told may stay unnoticed. */
const SWEEP_MS = 100;

/**
 * When streams are asked for a STOP_SENDING, of which the native side says nothing by itself: at once when datagrams came
 * without data, as that may be why, and otherwise within SWEEP_MS. Whoever writes finds out anyway.
 */
export class StopSweep {
  /** Milliseconds on the clock of `performance.now`; Infinity: no sweep is due. */
  at = Infinity;

  /** Datagrams came. True: now. */
  isNow(streams: number, broughtData: boolean): boolean {
    if (streams === 0) return false;
    if (streams <= PROBE_STREAMS && !broughtData) return true;
    if (this.at === Infinity) this.at = performance.now() + SWEEP_MS;
    return false;
  }

  /** Whether the time has come; then it is over. */
  isDue(now: number): boolean {
    if (now < this.at) return false;
    this.at = Infinity;
    return true;
  }
}
