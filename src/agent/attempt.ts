import { cutText } from '../protocol/errors.js';
import { MAX_ERROR_MESSAGE } from '../protocol/limits.js';
import { encodeValue, ValueError } from '../protocol/value.js';
import { isThenable } from '../tasks/checks.js';
import { errorDetailOf } from '../tasks/failure.js';
import type { TaskContext, TaskHandler } from '../tasks/kind.js';
import { payloadOf, summarize, type RunOutcome } from './outcome.js';

/**
 * Calls a handler in the thread it is called from, times it, and encodes what it returns. Never throws nor rejects:
 * whatever the handler throws becomes an outcome, at once when the handler promises nothing.
 */
export function attempt(
  kind: string,
  handler: TaskHandler,
  input: unknown,
  context: TaskContext,
  run: Abortable,
): RunOutcome | Promise<RunOutcome> {
  const start = performance.now();
  let result: unknown;
  try {
    result = handler(input, context);
    if (isThenable(result)) return promised(kind, result, run, start);
  } catch (thrown) {
    return brokenRun(thrown, run, performance.now() - start);
  }
  return completedRun(kind, result, performance.now() - start);
}

interface Abortable {
  readonly isAborted: boolean;
}

async function promised(
  kind: string,
  promise: PromiseLike<unknown>,
  run: Abortable,
  start: number,
): Promise<RunOutcome> {
  let result: unknown;
  try {
    result = await promise;
  } catch (thrown) {
    return brokenRun(thrown, run, performance.now() - start);
  }
  return completedRun(kind, result, performance.now() - start);
}

function brokenRun(thrown: unknown, { isAborted }: Abortable, runMs: number): RunOutcome {
  return isAborted
    ? { outcome: 'aborted', runMs }
    : { outcome: 'failed', runMs, error: errorDetailOf(thrown) };
}

function completedRun(kind: string, result: unknown, runMs: number): RunOutcome {
  try {
    const summary = summarize(kind, result);
    const payload = payloadOf(result, summary);
    return {
      outcome: 'completed',
      runMs,
      payload:
        summary?.type === 'NeuralGradients' && payload instanceof Uint8Array ? payload : encodeValue(payload),
      summary,
    };
  } catch (thrown) {
    const where = thrown instanceof ValueError ? thrown.message : errorDetailOf(thrown).message;
    return failedRun(
      runMs,
      'RESULT_NOT_SERIALIZABLE',
      `the result of ${kind} cannot be sent: ${where}`,
      false,
    );
  }
}

/** A run that failed for a reason of ours; the text is cut to what its field takes. */
export function failedRun(runMs: number, name: string, message: string, retryable: boolean): RunOutcome {
  return {
    outcome: 'failed',
    runMs,
    error: { name, message: cutText(message, MAX_ERROR_MESSAGE), retryable },
  };
}

/**
 * A run that was ended because it took too much memory. Retried: another agent may give more.
 *
 * @param limit bytes; undefined: what V8 gives a thread.
 */
export function memoryFailure(kind: string, runMs: number, limit: number | undefined): RunOutcome {
  const given = limit === undefined ? 'its thread may take' : `${Math.round(limit / 2 ** 20)} MiB`;
  const advice = limit === undefined ? '' : '; give it less to do, or its agent a greater --handler-memory';
  return failedRun(runMs, 'MEMORY_LIMIT', `${kind} took more memory than ${given}${advice}`, true);
}
