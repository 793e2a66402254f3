import { rename } from 'node:fs/promises';
import type { Log } from '../../observe/log.js';

/** Moves a file that cannot be read out of the way, so that nothing of it is lost, and says so once. */
export async function setAside(path: string, why: string, log: Log): Promise<void> {
  const aside = `${path}.damaged`;
  await rename(path, aside);
  log.warn({ path, aside, reason: why }, 'a damaged file of the agent was set aside');
}
