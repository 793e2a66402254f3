import { cutText } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { BankAction } from '../../../reasoning/contract.js';
import { plainOutcome } from '../../../reasoning/experience-record.js';
import { connectionOf } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';

/** Sends an experience to one of the agents that judge; they take turns. Without an answer the built-in verdict counts. */
export function askJudge(core: CoreState, action: Extract<BankAction, { type: 'judge' }>): void {
  const { learning } = core;
  const judges = [...learning.judges];
  const judge = judges[learning.asked++ % Math.max(1, judges.length)];
  const connectionId = judge === undefined ? null : connectionOf(judge);
  if (connectionId !== null) core.send(connectionId, experienceMessage(action));
}

function experienceMessage({
  experience,
  standing,
  verdict,
}: Extract<BankAction, { type: 'judge' }>): MessageOf<'ReasoningExperience'> {
  const { experienceId, agentId, taskId, action, context, kind, source, startedAt, recordedAt } = experience;
  const { value, confidence, latencyMs, success } = experience.outcome;
  return {
    type: 'ReasoningExperience',
    experienceId,
    agentId,
    ...(taskId === null ? {} : { taskId }),
    // ours may be longer than what agents may say
    action: cutText(action, 128),
    context,
    outcome: plainOutcome(experience.outcome),
    recordedAt,
    judging: {
      kind,
      source,
      success,
      value,
      confidence,
      latencyMs,
      startedAt: Math.max(0, startedAt),
      grade: standing.grade,
      peersMedianMs: standing.peersMedianMs,
      outcomes: standing.outcomes,
      successes: standing.successes,
      scores: standing.scores.plain(),
      score: verdict.score,
      scoreConfidence: verdict.confidence,
    },
  };
}
