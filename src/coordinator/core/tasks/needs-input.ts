import type { ErrorDetail, MessageOf } from '../../../protocol/messages.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { decodeValue, encodeValue } from '../../../protocol/value.js';
import type { TaskNeeds } from '../../../store/records.js';
import { TaskInputError } from '../../../tasks/kind.js';
import { insertResults, namedResults } from '../../../tasks/results-in-inputs.js';
import type { CoreState } from '../state.js';
import type { Task } from './task.js';

/** Inputs that name the results of other tasks. */

/** What a submit needs, checked against its input; undefined when it needs nothing. */
export function readNeeds(
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
): TaskNeeds | ProtocolError | undefined {
  const { needs, onFailedNeed = 'fail', requestId, type: messageType } = message;
  if (needs === undefined) return undefined;
  const taskIds = [...new Set(needs)];
  try {
    const named = namedResults(decodeValue(input));
    const other = named.find(({ taskId }) => !taskIds.includes(taskId));
    if (other === undefined) {
      const inserts = taskIds.filter((taskId) => named.some((one) => one.taskId === taskId));
      return { taskIds, onFailed: onFailedNeed, inserts };
    }
    throw new TaskInputError(
      other.path,
      `names the result of '${other.taskId}', which is not among the needs`,
    );
  } catch (error) {
    const isKnown = error instanceof TaskInputError;
    const text = isKnown ? error.message : 'the input cannot be read';
    const field = isKnown ? { field: error.path } : {};
    return new ProtocolError('BAD_INPUT', text, { messageType, requestId, ...field });
  }
}

/** An input that is whole, and what its kind finds in it. */
interface Composed {
  readonly input: Uint8Array;
  readonly admission: Partial<Pick<Task, 'context' | 'pattern'>>;
}

/** The input of a task with the results it names put in, or why there is none. */
export function composeInput(
  core: CoreState,
  { spec }: Task,
  input: Uint8Array | null,
  results: ReadonlyMap<string, Uint8Array>,
): Composed | { readonly error: ErrorDetail } {
  if (input === null) {
    const message = `the store has no input of task '${spec.taskId}' any more: submit it again`;
    return { error: { name: 'INPUT_LOST', message, retryable: false } };
  }
  const maxBytes = core.options.maxMessageBytes - HEADER_BYTES;
  const resultOf = (taskId: string) => {
    const result = results.get(taskId);
    return result === undefined ? undefined : { value: decodeValue(result), bytes: result.byteLength };
  };
  try {
    const composed = encodeValue(insertResults(decodeValue(input), resultOf, maxBytes));
    if (composed.byteLength > maxBytes) {
      throw new TaskInputError('', `takes ${composed.byteLength} bytes with the results it names: too many`);
    }
    const admission = core.ports.admit(spec.kind, composed);
    if (!admission.ok && admission.name === 'BAD_INPUT') throw new TaskInputError('', admission.message);
    return { input: composed, admission: admission.ok ? admission : {} };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { error: { name: 'BAD_INPUT', message: text.slice(0, 4096), retryable: false } };
  }
}

/** What a frame takes beside its payload, on the safe side. */
const HEADER_BYTES = 4096;
