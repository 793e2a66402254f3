import { type Parser, ValueProblem } from './parser.js';

/** Powers of 1024 (IEC) and of 1000 (SI). */
const UNITS_BYTES = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
} as const;

export interface SizeRange {
  /** Inclusive, in bytes; default 0. */
  readonly min?: number;
  /** Inclusive, in bytes; default 2^48. */
  readonly max?: number;
}

/**
 * Parser of sizes to whole bytes: `65536`, `64KiB`, `16MiB`, `1.5GiB` (powers of 1024), `64kB`, `64MB`, `1GB` (powers
 * of 1000). Case counts: `Mb` would be megabits.
 */
export function size(range: SizeRange = {}): Parser<number> {
  const { min = 0, max = 2 ** 48 } = range;
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text);
    const [, amount, written] = match ?? [];
    const unit = written === '' ? 'B' : written;
    if (amount === undefined || !isUnit(unit)) {
      throw new ValueProblem('is not a size (bytes, or such as 64KiB, 16MiB, 1GiB, 64MB)');
    }
    const exact = Number(amount) * UNITS_BYTES[unit];
    const bytes = Math.round(exact);
    // 1.1 * 1000 is 1100.0000000000002 in floating point.
    if (Math.abs(exact - bytes) > 1e-6) throw new ValueProblem('is not a whole number of bytes');
    if (bytes < min || bytes > max) {
      throw new ValueProblem(`is out of range (${formatSize(min)} to ${formatSize(max)})`);
    }
    return bytes;
  };
}

function isUnit(unit: string | undefined): unit is keyof typeof UNITS_BYTES {
  return unit !== undefined && Object.hasOwn(UNITS_BYTES, unit);
}

/** The shortest exact form, `67108864` → `64MiB`; what `size()` reads back. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes !== 0 && bytes % UNITS_BYTES[unit] === 0) return `${bytes / UNITS_BYTES[unit]}${unit}`;
  }
  return String(bytes);
}
