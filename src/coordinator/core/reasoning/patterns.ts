import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { NearPattern } from '../../../reasoning/patterns/pattern-store.js';
import type { PatternOutcome } from '../../../reasoning/patterns/pattern.js';
import { shapeOf } from '../../../reasoning/patterns/shape.js';
import type { FoundPatterns } from '../contract.js';
import type { Session } from '../sessions/sessions.js';
import type { CoreState, Lookup } from '../state.js';
import { endLookup, lookUp } from '../tasks/lookups.js';
import type { Task } from '../tasks/task.js';

/** The patterns that were looked for: what goes into their store, and what clients ask of it. */

export const PATTERN_MATCH = 'pattern-match';
const DEFAULT_COUNT = 10;

/** The result of a task is there: its pattern is worth keeping. */
export function keepPattern(
  core: CoreState,
  task: Task,
  { agentId }: Session,
  { confidence, expectedOutcome: expected }: MessageOf<'PatternMatchResult'>,
  now: number,
): void {
  if (task.pattern === null) return;
  const { taskId } = task.spec;
  const facts = { taskId, agentId, recordedAt: now, expected, confidence, outcome: null };
  core.act({ type: 'keepPattern', pattern: { ...facts, ...task.pattern } });
  task.pattern = null;
}

/** What came of the result of a task is known. */
export function patternOutcome(core: CoreState, taskId: string, outcome: PatternOutcome): void {
  core.act({ type: 'patternOutcome', taskId, outcome });
}

export function queryPatterns(
  core: CoreState,
  connectionId: string,
  query: MessageOf<'QueryPatterns'>,
): void {
  const { requestId, series, taskId, type: messageType } = query;
  const vector = series === undefined ? null : shapeOf(series);
  const fault =
    series !== undefined && taskId !== undefined
      ? { field: '/taskId', text: 'cannot be given beside series; give one of them' }
      : series !== undefined && vector === null
        ? { field: '/series', text: 'is constant: it has no shape to compare' }
        : null;
  if (fault === null) {
    lookUp(core, { wants: 'patterns', connectionId, requestId, query, vector });
    return;
  }
  const { field, text } = fault;
  const context = { requestId, messageType, field };
  core.sendError(connectionId, new ProtocolError('BAD_FIELD', `${messageType}: ${field} ${text}`, context));
}

/** Asks the shell for what a query wants. */
export function findPatterns(
  core: CoreState,
  lookupId: number,
  { vector, query: { taskId, limit } }: Extract<Lookup, { readonly wants: 'patterns' }>,
): void {
  const like = vector !== null ? { vector } : taskId !== undefined ? { taskId } : null;
  core.act({ type: 'findPatterns', lookupId, like, count: limit ?? DEFAULT_COUNT });
}

/** The shell has answered. */
export function patternsFound(core: CoreState, lookupId: number, found: FoundPatterns): void {
  const lookup = endLookup(core, lookupId);
  if (lookup?.wants !== 'patterns') return;
  const { connectionId, query } = lookup;
  const { requestId, taskId, type: messageType } = query;
  const refuse = (name: 'UNKNOWN_TASK' | 'NOT_SUPPORTED' | 'STORE_UNAVAILABLE', text: string) =>
    core.sendError(connectionId, new ProtocolError(name, text, { requestId, taskId, messageType }));
  switch (found.state) {
    case 'off':
      refuse('NOT_SUPPORTED', 'this coordinator keeps no patterns; start it with --pattern-store built-in');
      return;
    case 'unknown': {
      const what = 'a pattern-match of one series, completed, and not so long ago that it had to make room';
      refuse('UNKNOWN_TASK', `no pattern of task '${taskId ?? ''}' is kept: it must be ${what}`);
      return;
    }
    case 'unavailable':
      refuse('STORE_UNAVAILABLE', `the patterns cannot be read now: ${found.reason}`);
      return;
    case 'found': {
      const { store, counts, similar } = found;
      const patterns = similar.map(summaryOf);
      core.send(connectionId, { type: 'PatternsReport', requestId, store, ...counts, similar: patterns });
    }
  }
}

function summaryOf({ pattern, similarity }: NearPattern): MessageOf<'PatternsReport'>['similar'][number] {
  const { taskId, agentId, points, recordedAt, expected, confidence, outcome } = pattern;
  return {
    taskId,
    agentId,
    points,
    recordedAt,
    similarity,
    expected,
    confidence,
    actual: outcome !== null && 'actual' in outcome ? outcome.actual : null,
    value: outcome !== null && 'value' in outcome ? outcome.value : null,
  };
}
