import { join } from 'node:path';
import { openAgentDbPatterns } from '../coordinator/shell/patterns/agentdb-patterns.js';
import { builtInPatterns } from '../coordinator/shell/patterns/built-in-patterns.js';
import { systemClock } from '../observe/clock.js';
import type { Log } from '../observe/log.js';
import type { PatternStore } from '../reasoning/patterns/pattern-store.js';
import type { Store } from '../store/store.js';
import { UsageError } from './exit.js';
import { reasonOf } from './one-line.js';
import type { CoordinatorOptions } from './options/coordinator-options.js';

const AGENTDB_FILE = 'patterns.agentdb';

/** The pattern store that was asked for; null: none. */
export async function openPatterns(
  { patternStore, dataDir }: Pick<CoordinatorOptions, 'patternStore' | 'dataDir'>,
  store: Store,
  log: Log,
): Promise<PatternStore | null> {
  const clock = systemClock;
  if (patternStore === 'off') return null;
  if (patternStore === 'built-in') return builtInPatterns({ store, clock, log });
  const file = join(dataDir, AGENTDB_FILE);
  try {
    return await openAgentDbPatterns({ file, clock, log });
  } catch (error) {
    throw new UsageError(`--pattern-store: agentdb: ${reasonOf(error)}`, { cause: error });
  }
}
