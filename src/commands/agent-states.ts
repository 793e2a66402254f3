import type { Logger } from 'pino';
import { openAgentState, type AgentState } from '../agent/state/agent-state.js';
import { AgentStateError } from '../agent/state/errors.js';
import { UsageError } from './exit.js';
import { oneLine } from './one-line.js';
import type { AgentOptions } from './options/agent-options.js';

/** A folder is a dozen calls of the file system; the threads for these are four. */
const OPENED_AT_ONCE = 8;

export interface OwnState {
  readonly agentId: string;
  readonly state: AgentState;
}

/** The state of every agent, or none: what was opened is given back when one cannot be. @throws UsageError */
export async function openStates({ ids, stateDir }: AgentOptions, log: Logger): Promise<readonly OwnState[]> {
  const opened: OwnState[] = [];
  const waiting = ids.values();
  const openRest = async () => {
    for (const agentId of waiting) {
      opened.push({ agentId, state: await openAgentState({ directory: stateDir, agentId, log }) });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: OPENED_AT_ONCE }, openRest));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed === undefined) return opened;
  await Promise.all(opened.map(({ state }) => state.close()));
  if (!(failed.reason instanceof AgentStateError)) throw failed.reason;
  throw new UsageError(`--state-dir: ${oneLine(failed.reason.message)}`, { cause: failed.reason });
}
