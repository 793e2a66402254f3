import type { MessageOf } from '../protocol/messages.js';
import type { TaskRequest } from './task.js';

/** A task that is to be submitted again and again. */
export interface RecurringRequest {
  /** Letters, digits and `._:@-`, at most 128. */
  readonly name: string;
  /** Minute, hour, day, month, weekday; with six parts the first is the second. */
  readonly cron: string;
  /** In which the expression is meant, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** `delayMs`, `idempotencyKey` and needs mean nothing here. */
  readonly task: TaskRequest;
}

/** The message that adds it, without its number. */
export function recurringBody({
  name,
  cron,
  timeZone,
  task,
}: RecurringRequest): Omit<MessageOf<'AddRecurring'>, 'requestId'> {
  const { kind, priority, timeoutMs, attempts, affinity } = task;
  return {
    type: 'AddRecurring',
    name,
    cron,
    timeZone,
    kind,
    ...(priority === undefined ? {} : { priority }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(affinity === undefined ? {} : { affinity }),
  };
}
