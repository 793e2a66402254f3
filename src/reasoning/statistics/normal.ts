const ROOT_OF_TWO_PI = Math.sqrt(2 * Math.PI);

/** Probability that a standard normal variable is at most z. Absolute error under 1e-7 (Abramowitz & Stegun 26.2.17). */
export function normalCdf(z: number): number {
  const size = Math.abs(z);
  const t = 1 / (1 + 0.2316419 * size);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-size * size) / 2) / ROOT_OF_TWO_PI) * polynomial;
  return z < 0 ? tail : 1 - tail;
}
