export type Slice = () => Promise<void>;

/**
 * Runs a slice of each contender in turn, `rounds` times, so that a noisy moment of the machine hits all alike; each
 * round starts with another one. Garbage is not collected in between: a forced collection also throws compiled code
 * away, and every slice would measure the warm-up of the contender with the most JavaScript.
 */
export async function interleave(rounds: number, slices: readonly Slice[]): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < slices.length; turn++) await slices[(round + turn) % slices.length]?.();
  }
}
