import { ROLE_UNIT_PREFIX, ROLES, type Role } from '../../protocol/roles.js';

/**
 * The roles that the subject of a certificate names (one attribute a line, as Node prints it: `CN=alice`,
 * `OU=swarm-role-operator`), or null when it names none. A role that does not exist grants nothing.
 */
export function rolesInSubject(subject: string): Role[] | null {
  const named = subject
    .split('\n')
    .filter((line) => line.startsWith(`OU=${ROLE_UNIT_PREFIX}`))
    .map((line) => line.slice(`OU=${ROLE_UNIT_PREFIX}`.length));
  return named.length === 0 ? null : ROLES.filter((role) => named.includes(role));
}
