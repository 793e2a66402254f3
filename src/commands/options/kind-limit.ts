import { taskKind } from './identity.js';
import { integer } from './integer.js';
import { type Parser, ValueProblem } from './parser.js';

/** One bound for one kind of task: leases at once, or leases started in a second. */
export interface KindBound {
  readonly kind: string;
  readonly bound: 'concurrency' | 'perSecond';
  readonly value: number;
}

/** Parser of `KIND=N` (at once) and `KIND=N/s` (started in a second). */
export const kindBound: Parser<KindBound> = (text) => {
  const match = /^([^=]+)=(\d+(?:\.\d+)?)(\/s)?$/.exec(text);
  const [, kind, amount, perSecond] = match ?? [];
  if (kind === undefined || amount === undefined) {
    throw new ValueProblem(
      'is not KIND=N (at once) or KIND=N/s (a second), such as compute=8 or compute=100/s',
    );
  }
  taskKind(kind);
  if (perSecond === undefined) return { kind, bound: 'concurrency', value: integer(1, 1_000_000)(amount) };
  const value = Number(amount);
  if (value < 0.001 || value > 1_000_000) throw new ValueProblem('is out of range (0.001/s to 1000000/s)');
  return { kind, bound: 'perSecond', value };
};

/** The bounds by kind, as the coordinator takes them; of two of one sort the later holds. */
export function kindLimits(
  bounds: readonly KindBound[],
): Map<string, { readonly concurrency: number | null; readonly perSecond: number | null }> {
  const limits = new Map<string, { concurrency: number | null; perSecond: number | null }>();
  for (const { kind, bound, value } of bounds) {
    limits.set(kind, { ...(limits.get(kind) ?? { concurrency: null, perSecond: null }), [bound]: value });
  }
  return limits;
}
