import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import { encodeValue } from '../../../protocol/value.js';
import type { StoredTask } from '../../../store/records.js';
import type { Context } from '../../../reasoning/experience.js';
import type { CoreState } from '../state.js';
import type { Task } from '../tasks/task.js';
import { patternOutcome, PATTERN_MATCH } from './patterns.js';
import { tellBank } from './carry-out.js';

/** What clients say and ask of what is learned. */

type Report = MessageOf<'ReportOutcome'>;
type Reported = { readonly actual: number } | { readonly value: number; readonly success?: boolean };

/** How the task of a report stands. */
interface Delivered {
  readonly agentId: string;
  readonly kind: string;
  readonly context: Context;
  readonly startedAt: number;
  readonly latencyMs: number;
}

/**
 * Takes an outcome whose forecast waits for it, or answers what is wrong. True when the task has to be looked up first:
 * then `outcomeOfTask` follows.
 */
export function reportOutcome(core: CoreState, connectionId: string, report: Report, now: number): boolean {
  const { bank } = core.learning;
  const { taskId } = report;
  const outcome = reportedOutcome(report);
  if (outcome === null) {
    const text = 'give one of actual (what came of the forecast) and value (what the result was worth)';
    refuseOutcome(core, connectionId, report, 'BAD_FIELD', text);
    return false;
  }
  if (bank.knowsOutcome(taskId)) {
    const text = `the outcome of task '${taskId}' was reported before, and counts once`;
    refuseOutcome(core, connectionId, report, 'OUTCOME_KNOWN', text);
    return false;
  }
  const forecast = bank.forecast(taskId);
  if (forecast === null) return true;
  if ('actual' in outcome && forecast.expected === null) {
    refuseOutcome(core, connectionId, report, 'NO_FORECAST', noForecast(taskId));
    return false;
  }
  tellBank(core, { type: 'outcomeReported', taskId, outcome }, now);
  patternOutcome(core, taskId, outcome);
  acknowledge(core, connectionId, report);
  return false;
}

/** The task of a report, as memory or the store has it; null when neither does. */
export function outcomeOfTask(
  core: CoreState,
  connectionId: string,
  report: Report,
  task: Task | StoredTask | null,
  now: number,
): void {
  const { taskId } = report;
  const outcome = reportedOutcome(report);
  if (task === null) {
    const text = `no task '${taskId}' (or it ended long ago and is no longer kept)`;
    refuseOutcome(core, connectionId, report, 'UNKNOWN_TASK', text);
    return;
  }
  const delivered = deliveredBy(task);
  if (delivered === null) {
    const state = 'phase' in task ? task.phase.state : task.current.state;
    const text = `task '${taskId}' is ${state}: only a result has an outcome`;
    refuseOutcome(core, connectionId, report, 'NO_FORECAST', text);
  } else if (outcome === null || 'actual' in outcome) {
    refuseOutcome(core, connectionId, report, 'NO_FORECAST', noForecast(taskId));
  } else if (core.learning.bank.knowsOutcome(taskId)) {
    // reported twice while the first was looked up
    refuseOutcome(core, connectionId, report, 'OUTCOME_KNOWN');
  } else {
    tellBank(core, { type: 'outcomeReported', taskId, outcome, delivered }, now);
    if (delivered.kind === PATTERN_MATCH) patternOutcome(core, taskId, outcome);
    acknowledge(core, connectionId, report);
  }
}

/** Rows of the performance table in one report. */
const MAX_ROWS = 2_000;

export function sendReasoning(
  core: CoreState,
  connectionId: string,
  { requestId, agentId }: MessageOf<'QueryReasoning'>,
): void {
  const { reports } = core.learning.bank;
  const filter = agentId === undefined ? {} : { agentId };
  const rows = reports.performance(filter);
  const report = {
    performance: rows.slice(0, MAX_ROWS),
    /** Rows that did not fit. */
    leftOut: Math.max(0, rows.length - MAX_ROWS),
    verdicts: reports.verdicts(filter),
    adaptations: reports.adaptations(filter),
    underWay: reports.underWay(filter).slice(0, MAX_ROWS),
    memories: reports.memories().map(({ vector: _vector, ...item }) => item),
    judges: [...core.learning.judges].map((judge) => judge.agentId),
    counters: reports.summary(),
  };
  const found = [report.performance, report.verdicts, report.adaptations, report.underWay];
  if (
    agentId !== undefined &&
    core.registry.get(agentId) === undefined &&
    found.every((part) => part.length === 0)
  ) {
    const text = `nothing is known of an agent '${agentId}'`;
    const context = { messageType: 'QueryReasoning', requestId, field: '/agentId' };
    core.sendError(connectionId, new ProtocolError('UNKNOWN_AGENT', text, context));
    return;
  }
  core.send(connectionId, { type: 'ReasoningReport', requestId }, encodeValue(report));
}

function reportedOutcome({ actual, value, success }: Report): Reported | null {
  if ((actual === undefined) === (value === undefined)) return null;
  if (actual !== undefined) return { actual };
  if (value === undefined) return null;
  return success === undefined ? { value } : { value, success };
}

function deliveredBy(task: Task | StoredTask): Delivered | null {
  const current = 'phase' in task ? task.phase : task.current;
  const { agentId, leasedAt, spec } = task;
  if (current.state !== 'completed' || agentId === null || leasedAt === null) return null;
  return {
    agentId,
    kind: spec.kind,
    context: ('context' in task ? task.context : null) ?? {},
    startedAt: leasedAt,
    latencyMs: Math.max(0, current.finishedAt - leasedAt),
  };
}

function noForecast(taskId: string): string {
  return `task '${taskId}' has made no forecast that waits for what came: say what its result was worth (value)`;
}

function acknowledge(core: CoreState, connectionId: string, { requestId, taskId }: Report): void {
  core.commits.say({
    kind: 'message',
    connectionId,
    message: { type: 'MessageAck', status: 'processed', requestIds: [requestId], taskIds: [taskId] },
  });
}

function refuseOutcome(
  core: CoreState,
  connectionId: string,
  { requestId, taskId, type: messageType }: Report,
  name: 'BAD_FIELD' | 'OUTCOME_KNOWN' | 'NO_FORECAST' | 'UNKNOWN_TASK',
  text?: string,
): void {
  core.sendError(connectionId, new ProtocolError(name, text, { requestId, taskId, messageType }));
}
