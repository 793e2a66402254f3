import { decodeValue, encodeValue } from '../../../protocol/value.js';

/** A recurring task as the store keeps it, under its name. Times in milliseconds since the Unix epoch. */
export interface ScheduleRecord {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly kind: string;
  readonly priority: number;
  /** null: the coordinator's default at each submit. */
  readonly timeoutMs: number | null;
  readonly attempts: number;
  readonly affinity: string | null;
  /** The payload of each task. */
  readonly input: Uint8Array;
  readonly createdAt: number;
  /** The last occurrence that was submitted, and as what. */
  readonly lastAt: number | null;
  readonly lastTaskId: string | null;
}

export const encodeSchedule = (record: ScheduleRecord): Uint8Array => encodeValue({ ...record });

/** Null for what is not one. */
export function decodeSchedule(bytes: Uint8Array): ScheduleRecord | null {
  let value: unknown;
  try {
    value = decodeValue(bytes);
  } catch {
    return null;
  }
  return isSchedule(value) ? value : null;
}

function isSchedule(value: unknown): value is ScheduleRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Partial<Record<keyof ScheduleRecord, unknown>>;
  const isText = (field: unknown) => typeof field === 'string';
  const isNumber = (field: unknown) => typeof field === 'number';
  const { name, cron, timeZone, kind, priority, timeoutMs, attempts, affinity, input, createdAt } = fields;
  const { lastAt, lastTaskId } = fields;
  return (
    [name, cron, timeZone, kind].every(isText) &&
    [priority, attempts, createdAt].every(isNumber) &&
    [timeoutMs, lastAt].every((field) => field === null || isNumber(field)) &&
    [affinity, lastTaskId].every((field) => field === null || isText(field)) &&
    input instanceof Uint8Array
  );
}
