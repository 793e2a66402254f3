import { slabCopy } from '../protocol/byte-slabs.js';
import { errorOfReport } from '../protocol/errors.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import type { WorkEvent } from './work-core.js';

/** When a coordinator that could not store a result does not say when to try again. */
const RESEND_MS = 1000;

const NOTHING = new Uint8Array(0);

/** What a message of the coordinator's, after AgentAck, means for the work; null: nothing. `origin` names its stream. */
export function workEventOf(message: Message, payload: Uint8Array | null, origin: number): WorkEvent | null {
  switch (message.type) {
    case 'AgentTask':
      // A copy: the view ends with this call, the task does not.
      return { type: 'task', message, payload: copyOf(payload), origin };
    case 'CancelTask': {
      const { taskId, epoch, reason } = message;
      return { type: 'cancel', taskId, epoch, reason };
    }
    case 'MessageAck':
      return message.status === 'processed' ? { type: 'settled', taskIds: message.taskIds } : null;
    case 'ErrorReport':
      return refusalOf(message);
    default:
      return null;
  }
}

const copyOf = (payload: Uint8Array | null): Uint8Array =>
  payload === null ? NOTHING : slabCopy(payload, 0, payload.length);

function refusalOf(report: MessageOf<'ErrorReport'>): WorkEvent | null {
  const { name, permanent, taskId, retryAfterMs = RESEND_MS } = errorOfReport(report);
  if (taskId === undefined) return null;
  if (name === 'STALE_LEASE') return { type: 'stale', taskId };
  return permanent ? { type: 'settled', taskIds: [taskId] } : { type: 'unstored', taskId, retryAfterMs };
}
