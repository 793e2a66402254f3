import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../observe/clock.js';
import { ProcessLoad } from '../../observe/process-load.js';
import type { TransportConnection } from '../../transport/transport.js';
import { admitTask } from '../core/tasks/admission.js';
import type { CorePorts } from '../core/contract.js';
import { TaskIds } from './task-ids.js';

export interface Surroundings {
  readonly clock: Clock;
  readonly joinToken: () => string | undefined;
  readonly version: string;
  readonly dropped: () => Readonly<Record<string, number>>;
  readonly connection: (connectionId: string) => TransportConnection | undefined;
}

/** What the core asks of a process on a network. */
export function corePorts({ clock, joinToken, version, dropped, connection }: Surroundings): CorePorts {
  const load = new ProcessLoad();
  const taskIds = new TaskIds();
  return {
    random: {
      token: () => randomBytes(32).toString('base64url'),
      taskId: (now) => taskIds.next(now),
      fraction: () => randomInt(2 ** 32) / 2 ** 32,
    },
    checkJoinToken: (token) => {
      const wanted = joinToken();
      return wanted === undefined || (token !== undefined && sameSecret(token, wanted));
    },
    admit: admitTask,
    facts: () => ({ version, ...load.sample(), dropped: dropped() }),
    rttMs: (connectionId) => connection(connectionId)?.stats().rttMs ?? null,
    heardAt: (connectionId) => {
      const known = connection(connectionId);
      return known === undefined ? null : clock.now() - known.silentMs;
    },
  };
}

/** In constant time, whatever the lengths. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
