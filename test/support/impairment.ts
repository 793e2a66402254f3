/** What a path does to datagrams in one direction. Rates are probabilities in [0, 1], times are milliseconds. */
export interface Impairment {
  /** Every datagram arrives this much later. */
  readonly delayMs: number;
  readonly lossRate: number;
  /** A second copy arrives right behind the first. */
  readonly duplicateRate: number;
  /** The datagram is held back by `reorderDelayMs` more, so that later ones overtake it. */
  readonly reorderRate: number;
  readonly reorderDelayMs: number;
}

export const PERFECT_PATH: Impairment = {
  delayMs: 0,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  reorderDelayMs: 5,
};

/** A copy of `base` with `changes`. Throws RangeError at a rate outside [0, 1] or a time that is negative or not finite. */
export function withChanges(base: Impairment, changes: Partial<Impairment>): Impairment {
  const impairment = { ...base, ...changes };
  for (const [name, value] of Object.entries(impairment)) {
    const top = name.endsWith('Rate') ? 1 : Number.MAX_SAFE_INTEGER;
    if (!(value >= 0 && value <= top)) throw new RangeError(`${name}: ${value} is not in [0, ${top}]`);
  }
  return impairment;
}

/**
 * The fate of one datagram: how many milliseconds from now each copy of it arrives; [] when it is lost.
 * `random` gives numbers in [0, 1). It is asked three times whatever the rates are, so that one seed means the same
 * run of luck when only a rate changes.
 */
export function arrivals(impairment: Impairment, random: () => number): readonly number[] {
  const lost = random() < impairment.lossRate;
  const duplicated = random() < impairment.duplicateRate;
  const heldBack = random() < impairment.reorderRate;
  if (lost) return [];
  const delay = impairment.delayMs + (heldBack ? impairment.reorderDelayMs : 0);
  return duplicated ? [delay, delay] : [delay];
}

/** Repeatable numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
