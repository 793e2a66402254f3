import {
  CALENDAR_ENCODINGS,
  CALENDAR_PARTS,
  type CalendarEncoding,
  type CalendarPart,
  type Deviation,
  DEVIATIONS,
  FIRST_RANGES,
  type FirstRange,
  isCycle,
  OF,
  type Of,
  RETURN_KINDS,
  type ReturnKind,
  type Seed,
  SEEDS,
  type Source,
  SOURCES,
} from './options.js';
import type { Movement } from './movement.js';
import { namedFields, ParameterReader } from './parameters.js';

/** Rows of an input, and so the longest period. */
export const MAX_ROWS = 2_000_000;

/** One feature to compute, with all its parameters. */
export type Feature =
  | { readonly name: ReturnKind; readonly period: number; readonly source: Source }
  | { readonly name: 'rolling-mean'; readonly period: number; readonly of: Of; readonly source: Source }
  | {
      readonly name: 'volatility';
      readonly period: number;
      readonly of: ReturnKind;
      readonly deviation: Deviation;
      readonly periodsPerYear: number | null;
      readonly source: Source;
    }
  | {
      readonly name: 'z-score';
      readonly period: number;
      readonly of: Of;
      readonly deviation: Deviation;
      readonly source: Source;
    }
  | { readonly name: 'sma' | 'rsi'; readonly period: number; readonly source: Source }
  | { readonly name: 'ema'; readonly period: number; readonly seed: Seed; readonly source: Source }
  | {
      readonly name: 'macd';
      readonly fast: number;
      readonly slow: number;
      readonly signal: number;
      readonly seed: Seed;
      readonly source: Source;
    }
  | {
      readonly name: 'bollinger';
      readonly period: number;
      readonly deviations: number;
      readonly deviation: Deviation;
      readonly source: Source;
    }
  | { readonly name: 'atr'; readonly period: number; readonly firstRange: FirstRange }
  | { readonly name: 'adx'; readonly period: number }
  | {
      readonly name: 'stochastic';
      readonly period: number;
      readonly slowing: number;
      readonly signal: number;
    }
  | { readonly name: 'obv' }
  | { readonly name: 'drawdown'; readonly source: Source }
  | {
      readonly name: 'calendar';
      readonly parts: readonly CalendarPart[];
      readonly encoding: CalendarEncoding;
    };

/** A feature as the input names it: `as` is the name of its columns that the user chose. */
export type NamedFeature = Feature & { readonly as: string | null };

/** A feature, and what it takes and makes. */
export interface Plan {
  readonly feature: NamedFeature;
  /** Columns of the input that it reads. */
  readonly inputs: readonly (Source | 'time')[];
  /** The one of them that it divides by: all its values must be positive. */
  readonly positive: Source | null;
  /** What it divides by otherwise; null: nothing that may be missing. */
  readonly movement: Movement | null;
  /** Columns that it makes, in the order in which the kernel returns them. */
  readonly outputs: readonly string[];
  /** Fewest rows for which each column has a value, and the parameter that asks for them. */
  readonly rows: number;
  readonly rowsBecauseOf: string | null;
}

/** What a definition says of its feature; `parts` are the endings of the columns' names. */
interface Definition {
  readonly feature: Feature;
  readonly inputs: readonly (Source | 'time')[];
  readonly positive?: Source | null;
  readonly movement?: Movement;
  readonly parts?: readonly string[];
  readonly rows: number;
  readonly rowsBecauseOf?: string;
}

/** To add a feature: its type above, its definition here, its kernel in compute.ts. */
const definitions: Readonly<Record<Feature['name'], (reader: ParameterReader) => Definition>> = {
  'simple-return': (reader) => definedReturn(reader, 'simple-return'),
  'log-return': (reader) => definedReturn(reader, 'log-return'),
  'rolling-mean': (reader) => {
    const period = periodOf(reader, 20);
    const of = reader.choice('of', 'level', OF);
    const source = sourceOf(reader);
    const feature = { name: 'rolling-mean', period, of, source } as const;
    return { feature, inputs: [source], ...ofLevelOrReturn(of, source, period) };
  },
  volatility: (reader) => {
    const period = periodOf(reader, 20, 2);
    const periodsPerYear = reader.optional('periodsPerYear', 1, 1e7);
    const of = reader.choice('of', 'log-return', RETURN_KINDS);
    const deviation = reader.choice('deviation', 'sample', DEVIATIONS);
    const source = sourceOf(reader);
    const feature = { name: 'volatility', period, of, deviation, periodsPerYear, source } as const;
    return { feature, inputs: [source], ...ofLevelOrReturn(of, source, period) };
  },
  'z-score': (reader) => {
    const period = periodOf(reader, 20, 2);
    const of = reader.choice('of', 'level', OF);
    const deviation = reader.choice('deviation', 'population', DEVIATIONS);
    const source = sourceOf(reader);
    const feature = { name: 'z-score', period, of, deviation, source } as const;
    const movement = { of, source };
    return { feature, inputs: [source], movement, ...ofLevelOrReturn(of, source, period) };
  },
  sma: (reader) => {
    const period = periodOf(reader, 20);
    const source = sourceOf(reader);
    return { feature: { name: 'sma', period, source }, inputs: [source], rows: period };
  },
  ema: (reader) => {
    const period = periodOf(reader, 20);
    const seed = reader.choice('seed', 'sma', SEEDS);
    const source = sourceOf(reader);
    return { feature: { name: 'ema', period, seed, source }, inputs: [source], rows: period };
  },
  rsi: (reader) => {
    const period = periodOf(reader, 14, 2);
    const source = sourceOf(reader);
    const movement = { of: 'level', source } as const;
    return { feature: { name: 'rsi', period, source }, inputs: [source], movement, rows: period + 1 };
  },
  macd: (reader) => {
    const fast = periodOf(reader, 12, 1, 'fast');
    const slow = periodOf(reader, 26, 2, 'slow');
    const signal = periodOf(reader, 9, 1, 'signal');
    const seed = reader.choice('seed', 'sma', SEEDS);
    const source = sourceOf(reader);
    if (fast >= slow) {
      throw reader.fault(
        'fast',
        `is ${fast}, not less than slow (${slow}); the fast average is the shorter one`,
      );
    }
    return {
      feature: { name: 'macd', fast, slow, signal, seed, source },
      inputs: [source],
      parts: ['', 'signal', 'histogram'],
      rows: slow + signal - 1,
      rowsBecauseOf: slow >= signal ? 'slow' : 'signal',
    };
  },
  bollinger: (reader) => {
    const period = periodOf(reader, 20, 2);
    const deviations = reader.number('deviations', 2, 0, 100);
    const deviation = reader.choice('deviation', 'population', DEVIATIONS);
    const source = sourceOf(reader);
    return {
      feature: { name: 'bollinger', period, deviations, deviation, source },
      inputs: [source],
      parts: ['upper', 'middle', 'lower'],
      rows: period,
    };
  },
  atr: (reader) => {
    const period = periodOf(reader, 14);
    const firstRange = reader.choice('firstRange', 'high-low', FIRST_RANGES);
    const rows = firstRange === 'high-low' ? period : period + 1;
    return { feature: { name: 'atr', period, firstRange }, inputs: ['high', 'low', 'close'], rows };
  },
  adx: (reader) => {
    const period = periodOf(reader, 14, 2);
    return {
      feature: { name: 'adx', period },
      inputs: ['high', 'low', 'close'],
      movement: { of: 'true-range' },
      parts: ['', 'plus_di', 'minus_di'],
      rows: 2 * period,
    };
  },
  stochastic: (reader) => {
    const period = periodOf(reader, 14);
    const slowing = periodOf(reader, 1, 1, 'slowing');
    const signal = periodOf(reader, 3, 1, 'signal');
    return {
      feature: { name: 'stochastic', period, slowing, signal },
      inputs: ['high', 'low', 'close'],
      movement: { of: 'range', period },
      parts: ['k', 'd'],
      rows: period + slowing + signal - 2,
    };
  },
  obv: () => ({ feature: { name: 'obv' }, inputs: ['close', 'volume'], rows: 2 }),
  drawdown: (reader) => {
    const source = sourceOf(reader);
    const feature = { name: 'drawdown', source } as const;
    return { feature, inputs: [source], positive: source, parts: ['', 'max'], rows: 1 };
  },
  calendar: (reader) => {
    const parts = reader.choices(
      'parts',
      ['day-of-week', 'day-of-month', 'month', 'turn-of-month'],
      CALENDAR_PARTS,
    );
    // Its columns end in _sin and _cos, which says it; so it is not part of the label.
    const encoding = reader.plainChoice('encoding', 'number', CALENDAR_ENCODINGS);
    return {
      feature: { name: 'calendar', parts, encoding },
      inputs: ['time'],
      parts: parts.flatMap((part) => {
        const name = part.replaceAll('-', '_');
        return encoding === 'cyclic' && isCycle(part) ? [`${name}_sin`, `${name}_cos`] : [name];
      }),
      rows: 1,
    };
  },
};

export const FEATURE_NAMES = Object.keys(definitions) as readonly Feature['name'][];

/**
 * Checks one feature and plans it.
 *
 * @throws TaskInputError at the first fault.
 */
export function planFeature(value: unknown, path: string): Plan {
  const { fields, name } = namedFields(value, path, FEATURE_NAMES);
  const reader = new ParameterReader(fields, path, name);
  const definition = definitions[name](reader);
  reader.end();
  const as = reader.as();
  const base = as ?? reader.label;
  return {
    feature: { ...definition.feature, as },
    inputs: definition.inputs,
    positive: definition.positive ?? null,
    movement: definition.movement ?? null,
    outputs: (definition.parts ?? ['']).map((part) => (part === '' ? base : `${base}_${part}`)),
    rows: definition.rows,
    rowsBecauseOf: definition.rowsBecauseOf ?? ('period' in definition.feature ? 'period' : null),
  };
}

function definedReturn(reader: ParameterReader, name: ReturnKind): Definition {
  const period = periodOf(reader, 1);
  const source = sourceOf(reader);
  return { feature: { name, period, source }, inputs: [source], positive: source, rows: period + 1 };
}

/** Returns begin one row later than levels, and divide. */
function ofLevelOrReturn(of: Of, source: Source, period: number): { positive: Source | null; rows: number } {
  return of === 'level' ? { positive: null, rows: period } : { positive: source, rows: period + 1 };
}

function periodOf(reader: ParameterReader, fallback: number, minimum = 1, name = 'period'): number {
  return reader.integer(name, fallback, minimum, MAX_ROWS);
}

function sourceOf(reader: ParameterReader): Source {
  return reader.choice('source', 'close', SOURCES);
}
