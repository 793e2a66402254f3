import { type Parser, ValueProblem } from './parser.js';

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** One day more than a year: longer than any timer of a swarm needs, short enough for exact milliseconds. */
const LONGEST_MS = 366 * UNITS_MS.d;

export interface DurationRange {
  /** Inclusive, in milliseconds; default 0. */
  readonly min?: number;
  /** Inclusive, in milliseconds; default 366 days. */
  readonly max?: number;
}

/**
 * Parser of durations with a unit (`500ms`, `10s`, `1.5m`, `1h`, `2d`) to whole milliseconds. A number without a unit
 * is refused, because it could mean seconds or milliseconds.
 */
export function duration(range: DurationRange = {}): Parser<number> {
  const { min = 0, max = LONGEST_MS } = range;
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
    const [, amount, unit] = match ?? [];
    if (amount === undefined || !isUnit(unit)) {
      throw new ValueProblem(
        /^\d+(\.\d+)?$/.test(text)
          ? `has no unit: write a duration such as ${text}ms or ${text}s`
          : 'is not a duration (such as 500ms, 10s, 5m, 1h)',
      );
    }
    const ms = Math.round(Number(amount) * UNITS_MS[unit]);
    if (ms < min || ms > max) {
      throw new ValueProblem(`is out of range (${formatDuration(min)} to ${formatDuration(max)})`);
    }
    return ms;
  };
}

function isUnit(unit: string | undefined): unit is keyof typeof UNITS_MS {
  return unit !== undefined && unit in UNITS_MS;
}

/** The shortest exact form, `300000` → `5m`; what `duration()` reads back. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % UNITS_MS[unit] === 0) return `${ms / UNITS_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
