import { historyEntryOf, withRoom } from '../history.js';
import type { HistoryEntry } from '../records.js';
import type { StoreOp } from '../store.js';

/** What an operation adds to the history of its task: a JSON object, as text. */
export function historyLine(operation: StoreOp): string {
  const entry = historyEntryOf(operation);
  return entry === null ? '' : textOf(entry);
}

/** A history with room for one more line, and how many lines it has. */
export function historyWithRoom(history: string): { readonly history: string; readonly events: number } {
  const lines = withRoom(history.split('\n'));
  return { history: lines.join('\n'), events: lines.length };
}

/** Two or three are made for every task: put together by hand in half the time, where nothing needs quoting. */
function textOf(entry: HistoryEntry): string {
  const { event, at, attempt, agentId, detail } = entry;
  if (detail !== undefined || !Number.isFinite(at)) return JSON.stringify(entry);
  if (attempt === undefined || agentId === undefined) return `{"event":"${event}","at":${at}}`;
  return `{"event":"${event}","at":${at},"attempt":${attempt},"agentId":${JSON.stringify(agentId)}}`;
}
