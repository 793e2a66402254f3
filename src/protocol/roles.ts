/** What somebody who connects may be. A certificate or a token grants one of them. */
export const ROLES = ['agent', 'client', 'operator', 'read-only'] as const;

export type Role = (typeof ROLES)[number];

/** What a client may do: a role that lets it in as one. */
export type ClientRole = Exclude<Role, 'agent'>;

/** Stands before the role in the organizational unit (OU) of a certificate's subject: `OU=swarm-role-operator`. */
export const ROLE_UNIT_PREFIX = 'swarm-role-';
