/** Input of the agents' function. */
export interface Work {
  readonly number: number;
  /** How long it takes. */
  readonly ms: number;
}

/** What the function returns. */
export interface WorkResult {
  readonly number: number;
  /** Depends on the number, so that a mixed-up result is seen. */
  readonly proof: number;
}

export function parseWork(input: unknown): Work {
  if (typeof input === 'object' && input !== null && 'number' in input && 'ms' in input) {
    const { number, ms } = input;
    if (typeof number === 'number' && typeof ms === 'number') return { number, ms };
  }
  throw new TypeError('not a piece of work');
}

export function resultOf(number: number): WorkResult {
  return { number, proof: Math.imul(number + 1, 0x9e3779b1) >>> 0 };
}

export function isResultOf(number: number, result: unknown): boolean {
  return (
    typeof result === 'object' &&
    result !== null &&
    'number' in result &&
    'proof' in result &&
    result.number === number &&
    result.proof === resultOf(number).proof
  );
}

/** Idempotency key of a task. */
export function keyOf(seed: number, number: number): string {
  return `chaos-${seed}-${number}`;
}
