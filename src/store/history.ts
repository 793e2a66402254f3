import type { ErrorDetail } from '../protocol/messages.js';
import { HISTORY_LIMIT, type HistoryEntry } from './records.js';
import type { StoreOp } from './store.js';

/** UTF-16 units of a detail; what the protocol carries, and more than a valid error needs. */
const MAX_DETAIL = 4608;

/** What an operation adds to the history of its task once it is applied; null when that is nothing. */
export function historyEntryOf(operation: StoreOp): HistoryEntry | null {
  switch (operation.op) {
    case 'submit':
      return { event: 'submit', at: operation.spec.submittedAt };
    case 'lease': {
      const { leasedAt, attempt, agentId } = operation.lease;
      return { event: 'lease', at: leasedAt, attempt, agentId };
    }
    case 'complete':
      return { event: 'complete', at: operation.finishedAt };
    case 'fail':
      return { event: 'fail', at: operation.finishedAt, detail: detailOf(operation.error) };
    case 'requeue':
      return { event: operation.why, at: operation.at, detail: detailOf(operation.error) };
    case 'cancel':
      return { event: 'cancel', at: operation.finishedAt };
    case 'retry':
      return { event: 'retry', at: operation.at };
    case 'release':
      return { event: 'due', at: operation.at };
    case 'unmet': {
      const { state, finishedAt, error } = operation;
      return { event: state === 'failed' ? 'fail' : 'cancel', at: finishedAt, detail: detailOf(error) };
    }
    case 'extend':
    case 'put-session':
    case 'drop-session':
    case 'put-ticket-key':
    case 'drop-ticket-key':
    case 'append-experience':
    case 'put-entry':
    case 'drop-entry':
      return null;
  }
}

/** Makes room for one more entry: keeps the first and the latest, at most HISTORY_LIMIT - 1. */
export function withRoom<T>(history: readonly T[]): readonly T[] {
  if (history.length < HISTORY_LIMIT) return history;
  return [...history.slice(0, 1), ...history.slice(2 - HISTORY_LIMIT)];
}

function detailOf(error: ErrorDetail): string {
  return `${error.name}: ${error.message}`.slice(0, MAX_DETAIL);
}
