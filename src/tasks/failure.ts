import { cutText } from '../protocol/errors.js';
import { MAX_ERROR_MESSAGE } from '../protocol/limits.js';
import { TaskInputError } from './kind.js';

/** Why an attempt did not complete, as `TaskCompletion.error` carries it. */
export interface ErrorDetail {
  /** Stable name for programs, 1 to 64 characters. */
  readonly name: string;
  /** One sentence for people, at most 4096 characters. */
  readonly message: string;
  /** Another attempt may succeed. */
  readonly retryable: boolean;
}

const MAX_NAME = 64;

/**
 * What a handler throws to say how its task failed and whether trying again can help. A handler that cannot import
 * this class may throw any `Error` with a boolean property `retryable`: both are reported alike.
 */
export class TaskFailure extends Error {
  override readonly name: string;
  constructor(
    name: string,
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = name;
  }
}

/**
 * What to report of anything a handler threw. An error that says `retryable` is believed; a bad input never gets
 * better, so TaskInputError is not retryable; every other exception is, within the attempts of its task. Never throws.
 *
 * Call it in the thread of the handler: cloning an Error between threads drops its own properties and its class.
 */
export function errorDetailOf(thrown: unknown): ErrorDetail {
  try {
    if (thrown instanceof Error) {
      return {
        name: cut(thrown.name, MAX_NAME) || 'Error',
        message: cut(thrown.message, MAX_ERROR_MESSAGE),
        retryable: retryable(thrown),
      };
    }
    return {
      name: 'Error',
      message: cut(`the handler threw ${String(thrown)}`, MAX_ERROR_MESSAGE),
      retryable: true,
    };
  } catch {
    return { name: 'Error', message: 'the handler threw something that cannot be read', retryable: true };
  }
}

function retryable(error: Error): boolean {
  if (error instanceof TaskInputError) return false;
  return 'retryable' in error && typeof error.retryable === 'boolean' ? error.retryable : true;
}

/** Of what may be anything, as the handler is the user's. */
function cut(text: unknown, length: number): string {
  return cutText(String(text), length);
}
