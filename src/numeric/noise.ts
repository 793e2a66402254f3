/** Movement under this share of the level is rounding of the doubles, and counts as none. */
export const RELATIVE_NOISE = 1e-12;
