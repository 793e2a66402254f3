import { decodeValue, encodeValue } from '../../src/protocol/value.js';
import { Luck } from './luck.js';

/** What a task does when it runs, and how its client treats it; a function of its number alone. */
export interface TaskPlan {
  readonly number: number;
  readonly kind: SimulatedKind;
  readonly priority: number;
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly delayMs: number;
  readonly affinity: string | null;
  /** Without one a submit whose answer is lost is given up by its client. */
  readonly hasKey: boolean;
  readonly inputBytes: number;
  readonly runMs: number;
  readonly end: 'result' | 'error once' | 'error always' | 'error for good' | 'never';
  /** When its handler is aborted: ends at once, or has to be terminated. */
  readonly heedsAbort: boolean;
  /** After its submit was acknowledged. */
  readonly cancelAfterMs: number | null;
  readonly submitTwice: boolean;
  /** A task that ended without a result is queued once more. */
  readonly retryWhenEnded: boolean;
  /** What it needs; null: nothing. */
  readonly needs: PlannedNeeds | null;
}

export interface PlannedNeeds {
  /** Tasks of the same client, by how many others it has had accepted since. */
  readonly back: readonly number[];
  readonly onFailed: 'fail' | 'skip';
  /** The input names the results of all of them. */
  readonly inserts: boolean;
}

export const SIMULATED_KINDS = ['compute', 'narrow', 'paced'] as const;
export type SimulatedKind = (typeof SIMULATED_KINDS)[number];

/** Leases of `narrow` at once. */
export const NARROW_CONCURRENCY = 6;
/** Leases of `paced` started in a second. */
export const PACED_PER_SECOND = 25;

export const TASK_TIMEOUT_MS = 60_000;

export function planTask(seed: number, number: number): TaskPlan {
  const luck = new Luck(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const kindDraw = luck.fraction();
  const kind = kindDraw < 0.96 ? 'compute' : kindDraw < 0.98 ? 'narrow' : 'paced';
  const length = luck.fraction();
  const runMs = luck.gap(length < 0.9 ? 50 : length < 0.99 ? 800 : 15_000);
  const endDraw = luck.fraction();
  const hasKey = luck.chance(0.95);
  return {
    number,
    kind,
    priority: luck.chance(0.8) ? 5 : Math.floor(luck.between(0, 11)),
    attempts: luck.chance(0.05) ? 1 : 4,
    timeoutMs: luck.chance(0.02) ? luck.between(500, 5000) : TASK_TIMEOUT_MS,
    delayMs: luck.chance(0.02) ? luck.gap(60_000) : 0,
    affinity: luck.chance(0.05) ? `key-${Math.floor(luck.between(0, 500))}` : null,
    hasKey,
    inputBytes: luck.chance(0.02) ? 4096 : 24,
    runMs,
    end:
      endDraw < 0.96
        ? 'result'
        : endDraw < 0.98
          ? 'error once'
          : endDraw < 0.985
            ? 'error always'
            : endDraw < 0.999
              ? 'error for good'
              : 'never',
    heedsAbort: luck.chance(0.8),
    cancelAfterMs: luck.chance(0.01) ? luck.gap(1000) : null,
    submitTwice: hasKey && luck.chance(0.01),
    retryWhenEnded: luck.chance(0.3),
    needs: luck.chance(SHARE_WITH_NEEDS) ? planNeeds(luck) : null,
  };
}

const SHARE_WITH_NEEDS = 0.05;
const MOST_NEEDS = 4;
/** Most are young enough to be under way, and some so old that they are no longer kept. */
const SHARE_OF_YOUNG = 0.6;
const YOUNG_BACK = 1;
const OLD_BACK = 50;

function planNeeds(luck: Luck): PlannedNeeds {
  const count = Math.floor(luck.between(1, MOST_NEEDS + 1));
  return {
    back: Array.from({ length: count }, () =>
      Math.floor(luck.gap(luck.chance(SHARE_OF_YOUNG) ? YOUNG_BACK : OLD_BACK)),
    ),
    onFailed: luck.chance(0.3) ? 'skip' : 'fail',
    inserts: luck.chance(0.5),
  };
}

/**
 * An input says which task it belongs to, and with needs is a list: its number, and the results it names. A result says
 * under which lease it was made as well.
 */
export function encodeTaskInput(
  { number, inputBytes, needs }: TaskPlan,
  needIds: readonly string[],
): Uint8Array {
  if (needs !== null) {
    return encodeValue([number, ...(needs.inserts ? needIds.map((taskId) => ({ $result: taskId })) : [])]);
  }
  const bytes = new Uint8Array(Math.max(NUMBER_BYTES, inputBytes));
  viewOf(bytes).setFloat64(0, number);
  return bytes;
}

const NUMBER_BYTES = 8;
const LIST_OF_TWO = 0x92;
const FLOAT64 = 0xcb;

/** Of an input or a result. */
export function taskNumberOf(bytes: Uint8Array): number {
  if (bytes[0] === LIST_OF_TWO && bytes[1] === FLOAT64) return viewOf(bytes).getFloat64(2);
  return isList(bytes) ? Number(listOf(bytes)[0]) : viewOf(bytes).getFloat64(0);
}

/** What stands in an input where the results of others were named: their numbers and epochs. */
export function resultsInInput(bytes: Uint8Array): readonly unknown[] {
  return listOf(bytes).slice(1);
}

/** `[number, epoch]`, both as 64-bit floats, so that they stand at fixed places. */
export function encodeTaskResult(number: number, epoch: number): Uint8Array {
  const bytes = new Uint8Array(3 + 2 * NUMBER_BYTES);
  const view = viewOf(bytes);
  bytes[0] = LIST_OF_TWO;
  bytes[1] = bytes[2 + NUMBER_BYTES] = FLOAT64;
  view.setFloat64(2, number);
  view.setFloat64(3 + NUMBER_BYTES, epoch);
  return bytes;
}

export function epochOfResult(bytes: Uint8Array): number {
  return viewOf(bytes).getFloat64(3 + NUMBER_BYTES);
}

/** No number that begins a plain input has such a first byte. */
function isList(bytes: Uint8Array): boolean {
  return bytes[0] !== undefined && bytes[0] >> 4 === 0x9;
}

function listOf(bytes: Uint8Array): readonly unknown[] {
  const value = decodeValue(bytes);
  if (!Array.isArray(value)) throw new TypeError('an input with needs is a list');
  return value as readonly unknown[];
}

/** Name of the error of a task that fails on purpose. */
export const SIMULATED_ERROR = 'SIMULATED';

/** Its message, which like a result says under which lease it was made. */
export function errorTextOf(epoch: number): string {
  return `failed in epoch ${epoch}`;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
