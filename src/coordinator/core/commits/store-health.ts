import { ProtocolError, type ErrorContext } from '../../../protocol/errors.js';
import type { CoreState } from '../state.js';

/** Whether the store can be relied on, and what follows for those who want something of it. See store-trouble.ts. */

/** The pause after a failure is on. */
export function storePauses(core: CoreState): boolean {
  return core.storeRetryTimer.index !== -1;
}

/** Tasks may be given out, and agents let in: the store is up, or there is nothing else to find out with whether it is. */
export function storeTakesLeases(core: CoreState): boolean {
  return core.store.state === 'up' || (!storePauses(core) && core.commits.idle);
}

/** A new task may come in: the store is up, or it may be the probe. */
export function storeTakesSubmits(core: CoreState): boolean {
  return core.store.state === 'up' || !(storePauses(core) || core.commits.underWay);
}

/** Why a request is refused now. */
export function storeUnavailable(core: CoreState): (context: ErrorContext) => ProtocolError {
  const reason = core.store.state === 'down' ? ` (${core.store.reason})` : '';
  const text = `the coordinator cannot store anything now${reason}; nothing was changed`;
  const { storeRetryMs: retryAfterMs } = core.options;
  return (context) => new ProtocolError('STORE_UNAVAILABLE', text, { ...context, retryAfterMs });
}

/** Stops or resumes reading clients by how much waits for the store. */
export function adjustIntake(core: CoreState): void {
  const bytes = core.commits.bytes + core.needsReads.submitBytes;
  const { maxBacklogBytes } = core.options;
  const open = core.intakeOpen ? bytes <= maxBacklogBytes : bytes < maxBacklogBytes / 2;
  if (open === core.intakeOpen) return;
  core.intakeOpen = open;
  core.act({ type: 'intake', open });
  core.log(open ? 'info' : 'warn', open ? 'clients are read again' : 'clients wait for the store', { bytes });
}
