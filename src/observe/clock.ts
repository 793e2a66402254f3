/** The clock and timers that shells get from outside, so that a test can play hours in a millisecond. */
export interface Clock {
  /** Milliseconds since the Unix epoch, never going backwards. */
  now(): number;
  /** Runs `run` once, at `at` or a little after; returns what cancels it (harmless when it has already run). */
  setTimer(at: number, run: () => void): () => void;
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Read once: Node works it out anew for each who asks. */
const { timeOrigin } = performance;

/** The machine's monotonic clock, set to the time of day once, at the start of the process. */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  setTimer(at, run) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const delay = at - systemClock.now();
      timer =
        delay > LONGEST_DELAY_MS
          ? setTimeout(arm, LONGEST_DELAY_MS)
          : setTimeout(run, Math.max(0, Math.ceil(delay)));
    };
    arm();
    return () => clearTimeout(timer);
  },
};
