import type { Clock } from '../observe/clock.js';
import type { Client } from './client.js';
import { CoordinatorUnreachable, Refused } from './errors.js';

/** How often a draining coordinator is asked whether it is still there. */
const LOOK_MS = 10_000;

/** For a coordinator that goes without a word: asks now and then whether the one that started then still answers. */
export async function untilGone(
  client: Pick<Client, 'status'>,
  startedAt: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.setTimer(clock.now() + LOOK_MS, resolve);
      signal.addEventListener('abort', cancelTimer, { once: true });
    });
    try {
      if ((await client.status()).startedAt !== startedAt) return;
    } catch (error) {
      if (error instanceof CoordinatorUnreachable || error instanceof Refused) return;
      throw error;
    }
  }
}
