import type { Log } from '../observe/log.js';
import type { RunOutcome } from './outcome.js';
import type { HeldTask } from './work-core.js';

/** One line for each attempt that ended, for `debug`. */
export function logRun(log: Log, agentId: string, { lease, kind }: HeldTask, outcome: RunOutcome): void {
  if (log.isLevelEnabled?.('debug') !== true) return;
  const { taskId, attempt } = lease;
  const error = outcome.outcome === 'failed' ? outcome.error : null;
  log.debug(
    {
      taskId,
      kind,
      attempt,
      agentId,
      durationMs: outcome.runMs,
      ...(error === null ? {} : { error: error.name, reason: error.message }),
    },
    `run ${outcome.outcome}`,
  );
}
