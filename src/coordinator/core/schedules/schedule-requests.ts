import { ownBytes } from '../../../protocol/byte-slabs.js';
import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import { storeTakesLeases, storeUnavailable } from '../commits/store-health.js';
import type { Connection } from '../sessions/connections.js';
import type { CoreState } from '../state.js';
import { CronProblem, newCronTimes, type CronTimes } from './cron-times.js';
import type { ScheduleRecord } from './schedule-record.js';
import { entryOf, plan, Schedule } from './schedules.js';

/** What clients ask about recurring tasks. */

/** What one RecurringReport holds. */
const MAX_SCHEDULES = 10_000;
/** Inputs stay in memory: of one, and of all together. */
const MAX_INPUT_BYTES = 1024 * 1024;
const MAX_INPUTS_BYTES = 64 * 1024 * 1024;

export function addRecurring(
  core: CoreState,
  { id: connectionId }: Connection,
  message: MessageOf<'AddRecurring'>,
  input: Uint8Array,
  now: number,
): void {
  const { requestId, name, cron, timeZone, kind } = message;
  const times = check(core, message, input, now);
  if (times instanceof ProtocolError) {
    core.sendError(connectionId, times);
    return;
  }
  const { priority = 5, timeoutMs = null, attempts = 3, affinity = null } = message;
  const options = { kind, priority, timeoutMs, attempts, affinity };
  const created = { createdAt: now, lastAt: null, lastTaskId: null };
  const record: ScheduleRecord = { name, cron, timeZone, ...options, input: ownBytes(input), ...created };
  const schedule = new Schedule(record, times);
  core.schedules.byName.set(name, schedule);
  plan(core, schedule);
  const reply = { kind: 'kept', connectionId, requestId } as const;
  core.commits.add({ op: 'put-entry', entry: entryOf(record) }, null, reply);
  core.log('info', 'recurring task added', { schedule: name, cron, timeZone, kind });
}

export function dropRecurring(
  core: CoreState,
  { id: connectionId }: Connection,
  { type, requestId, name }: MessageOf<'DropRecurring'>,
): void {
  const context = { messageType: type, requestId };
  if (!storeTakesLeases(core)) {
    core.sendError(connectionId, storeUnavailable(core)(context));
    return;
  }
  const schedule = core.schedules.byName.get(name);
  if (schedule === undefined) {
    const text = `no recurring task '${name}'`;
    core.sendError(connectionId, new ProtocolError('UNKNOWN_SCHEDULE', text, { ...context, field: '/name' }));
    return;
  }
  core.timers.cancel(schedule.timer);
  core.schedules.byName.delete(name);
  const reply = { kind: 'kept', connectionId, requestId } as const;
  core.commits.add({ op: 'drop-entry', collection: 'schedule', key: name }, null, reply);
  core.log('info', 'recurring task removed', { schedule: name });
}

export function recurringReport(core: CoreState, requestId: number): MessageOf<'RecurringReport'> {
  const recurring = [...core.schedules.byName.values()]
    .map(({ record, nextAt }) => {
      const { name, cron, timeZone, kind, createdAt, lastAt, lastTaskId } = record;
      return { name, cron, timeZone, kind, createdAt, nextAt, lastAt, lastTaskId };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  return { type: 'RecurringReport', requestId, recurring };
}

function check(
  core: CoreState,
  { type: messageType, requestId, name, cron, timeZone, kind }: MessageOf<'AddRecurring'>,
  input: Uint8Array,
  now: number,
): CronTimes | ProtocolError {
  const context = { messageType, requestId };
  if (!storeTakesLeases(core)) return storeUnavailable(core)(context);
  if (core.schedules.byName.has(name)) {
    const text = `there is a recurring task '${name}' already: remove it first`;
    return new ProtocolError('SCHEDULE_EXISTS', text, { ...context, field: '/name' });
  }
  if (core.schedules.byName.size >= MAX_SCHEDULES)
    return new ProtocolError(
      'TOO_MANY_REQUESTS',
      `there are ${MAX_SCHEDULES} recurring tasks already`,
      context,
    );
  if (input.byteLength > MAX_INPUT_BYTES) {
    const text = `the input of a recurring task takes at most ${MAX_INPUT_BYTES} bytes, not ${input.byteLength}`;
    return new ProtocolError('PAYLOAD_TOO_LARGE', text, context);
  }
  if (core.schedules.inputBytes + input.byteLength > MAX_INPUTS_BYTES) {
    const text = `the inputs of all recurring tasks take at most ${MAX_INPUTS_BYTES} bytes together: remove one first`;
    return new ProtocolError('TOO_MANY_REQUESTS', text, context);
  }
  const admission = core.ports.admit(kind, input);
  if (!admission.ok && !(admission.name === 'UNKNOWN_KIND' && core.scheduler.isOffered(kind))) {
    const { name: error, message, field } = admission;
    return new ProtocolError(error, message, { ...context, field });
  }
  try {
    return newCronTimes(cron, timeZone, now);
  } catch (error) {
    if (!(error instanceof CronProblem)) throw error;
    return new ProtocolError('BAD_FIELD', error.message, { ...context, field: `/${error.field}` });
  }
}
