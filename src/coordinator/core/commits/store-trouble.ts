import { settleLost } from '../tasks/settlement.js';
import type { CoreState } from '../state.js';
import { storeUnavailable } from './store-health.js';

/**
 * What happens while the store does not take commits. After a failure there is a pause, and then a probe: what waits, or
 * when nothing does, the next change there is. Until a commit succeeds nothing is dispatched that the probe does not carry
 * itself, so that the results that wait are no more than the agents have credit for; what runs, ends.
 */

export function commitFailed(core: CoreState, commitId: number, reason: string, now: number): void {
  const lost = core.commits.fail(commitId, (entry) => entry.op?.op === 'submit');
  if (lost === null) return;
  const { storeRetryMs } = core.options;
  core.counters.failedCommits++;
  core.store = { state: 'down', reason };
  core.timers.set(core.storeRetryTimer, now + storeRetryMs);
  core.log('error', 'the store could not commit: no task is accepted until it can', {
    reason,
    retryAfterMs: storeRetryMs,
    waiting: core.commits.pendingCount,
  });
  settleLost(core, lost, storeUnavailable(core), now);
}

export function commitSucceeded(core: CoreState): void {
  if (core.store.state === 'up') return;
  core.store = { state: 'up' };
  core.log('info', 'the store commits again', { waiting: core.commits.pendingCount });
}
