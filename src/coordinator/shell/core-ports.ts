import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../observe/clock.js';
import type { Log } from '../../observe/log.js';
import { ProcessLoad } from '../../observe/process-load.js';
import type { Role } from '../../protocol/roles.js';
import type { TransportConnection } from '../../transport/transport.js';
import { admitTask } from '../core/tasks/admission.js';
import type { CorePorts } from '../core/contract.js';
import { rolesInSubject } from './certificate-roles.js';
import { TaskIds } from './task-ids.js';

/** A secret that grants one role. */
export interface RoleToken {
  readonly role: Role;
  readonly token: string;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly joinToken: () => string | undefined;
  readonly roleTokens: () => readonly RoleToken[];
  readonly log: Log;
  readonly version: string;
  readonly dropped: () => Readonly<Record<string, number>>;
  readonly connection: (connectionId: string) => TransportConnection | undefined;
  /** Patterns are kept. */
  readonly patterns: boolean;
}

/** What the core asks of a process on a network. */
export function corePorts(surroundings: Surroundings): CorePorts {
  const { clock, joinToken, roleTokens, log, version, dropped, connection, patterns } = surroundings;
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
      const granting = roleTokens();
      if (wanted === undefined && granting.length === 0) return true;
      if (token === undefined) return false;
      if (granted(granting, token).length > 0) return true;
      return wanted !== undefined && sameSecret(token, wanted);
    },
    rolesOf: (connectionId, token) => {
      const subject = connection(connectionId)?.peerCertificate()?.subject;
      const certified = subject === undefined ? null : rolesInSubject(subject);
      if (certified !== null) return certified;
      const granting = roleTokens();
      if (granting.length === 0) return ['operator'];
      const roles = token === undefined ? [] : granted(granting, token);
      return roles.length > 0 ? roles : ['agent', 'client'];
    },
    admit: (kind, payload) => admitTask(kind, payload, patterns),
    logsDebug: () => log.isLevelEnabled?.('debug') ?? true,
    facts: () => ({ version, ...load.sample(), dropped: dropped() }),
    rttMs: (connectionId) => connection(connectionId)?.stats().rttMs ?? null,
    heardAt: (connectionId) => {
      const known = connection(connectionId);
      return known === undefined ? null : clock.now() - known.silentMs;
    },
  };
}

function granted(tokens: readonly RoleToken[], given: string): Role[] {
  return tokens.filter(({ token }) => sameSecret(given, token)).map(({ role }) => role);
}

/** In constant time, whatever the lengths. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
