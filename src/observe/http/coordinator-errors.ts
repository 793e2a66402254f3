import type { ErrorName, ProtocolError } from '../../protocol/errors.js';
import { HttpError } from './reply.js';

/** How the coordinator's refusals read in HTTP. Those that are not named here are faults of this server. */
const STATUS: Partial<Record<ErrorName, number>> = {
  UNKNOWN_TASK: 404,
  TASK_FINISHED: 409,
  TASK_NOT_RETRYABLE: 409,
  BAD_FIELD: 400,
  BAD_INPUT: 400,
  UNKNOWN_KIND: 400,
  TOO_MANY_REQUESTS: 429,
  QUEUE_FULL: 503,
  DRAINING: 503,
  GOING_AWAY: 503,
  STORE_UNAVAILABLE: 503,
};

export function errorOfCoordinator({ name, message, retryAfterMs }: ProtocolError): HttpError {
  const headers =
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
  return new HttpError(STATUS[name] ?? 500, name, message, headers);
}
