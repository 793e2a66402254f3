import { betaFraction } from '../../numeric/beta-fraction.js';

/** Probability that Student's t with `freedom` degrees of freedom is at least this far from 0, on either side. */
export function tTwoSided(t: number, freedom: number): number {
  if (!Number.isFinite(t)) return Number.isNaN(t) ? NaN : 0;
  return incompleteBeta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/** The t that `level` (0 to 1) of the distribution does not exceed on either side: 12.7 for 0.95 and 1 degree of freedom. */
export function tQuantile(level: number, freedom: number): number {
  const beyond = 1 - level;
  let high = 1;
  while (tTwoSided(high, freedom) > beyond && high < 1e12) high *= 2;
  let low = 0;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (tTwoSided(middle, freedom) > beyond) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised incomplete beta function I(x; a, b) (DLMF 8.17). */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const factor = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // the fraction converges fast below the mean of the distribution: the other side is its complement
  return x < (a + 1) / (a + b + 2)
    ? (factor * betaFraction(a, b, x)) / a
    : 1 - (factor * betaFraction(b, a, 1 - x)) / b;
}

/** Stirling's series (DLMF 5.11.1) above 10, where its error is under 1e-13; below that by Γ(x) = Γ(x + 1) / x. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at++) shift += Math.log(at);
  const square = 1 / (at * at);
  const series =
    (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - shift;
}
