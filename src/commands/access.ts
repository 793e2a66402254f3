import type { Log } from '../observe/log.js';
import { AuditFile } from '../observe/audit-file.js';
import type { Role } from '../protocol/roles.js';
import { readSecret } from './certificates/join-token.js';
import { UsageError } from './exit.js';
import { fileProblem } from './one-line.js';
import type { TokenFile } from './options/access-options.js';

/** The daemon's side of --token-file and --audit-log. */

/** @throws UsageError */
export function readRoleTokens({ tokenFile }: { readonly tokenFile: readonly TokenFile[] }): {
  readonly role: Role;
  readonly token: string;
}[] {
  return tokenFile.map(({ role, path }) => ({ role, token: readSecret(path, '--token-file') }));
}

/** @throws UsageError */
export function openAudit(path: string | null): AuditFile | null {
  if (path === null) return null;
  try {
    return new AuditFile(path);
  } catch (error) {
    throw new UsageError(`--audit-log: ${path}: ${fileProblem(error)}`, { cause: error });
  }
}

/** Appends each record with its time; a failure is logged, and the action goes on. */
export function auditTo(audit: AuditFile, log: Log): (record: Readonly<Record<string, unknown>>) => void {
  return (record) => {
    try {
      audit.write({ time: new Date().toISOString(), ...record });
    } catch (error) {
      log.error({ reason: fileProblem(error) }, 'the audit log cannot be written');
    }
  };
}

export function reopenAudit(audit: AuditFile | null, log: Log): void {
  try {
    audit?.reopen();
  } catch (error) {
    log.error(
      { reason: fileProblem(error) },
      'the audit log cannot be opened again: the old one is written on',
    );
  }
}
