import { ProtocolError } from '../../../protocol/errors.js';
import type { Message } from '../../../protocol/messages.js';
import type { ClientRole, Role } from '../../../protocol/roles.js';
import { RecentMap } from '../../../collections/recent-map.js';
import type { CoreState } from '../state.js';
import type { Connection } from './connections.js';

/** Who may do what. An operator may do everything. */

const READ: readonly ClientRole[] = ['read-only', 'client', 'operator'];
const WORK: readonly ClientRole[] = ['client', 'operator'];

/** What clients of less rights than an operator may send. CancelTask: a client, of its own tasks (`OwnTasks`). */
const MAY_SEND: ReadonlyMap<string, readonly ClientRole[]> = new Map([
  ['QueryTask', READ],
  ['QueryTasks', READ],
  ['WatchTask', READ],
  ['QueryStatus', READ],
  ['QueryAgents', READ],
  ['QueryRecurring', READ],
  ['WatchEvents', READ],
  ['QueryReasoning', READ],
  ['QueryPatterns', READ],
  ['HeartbeatMessage', READ],
  ['MessageAck', READ],
  ['ErrorReport', READ],
  ['SubmitTask', WORK],
  ['CancelTask', WORK],
  ['ReportOutcome', WORK],
]);

/** Operator actions: each is audited, whoever asks for it. (What is denied is audited as well, whatever it is.) */
export function isAudited(message: Message): boolean {
  return message.type === 'CancelTask' || (!MAY_SEND.has(message.type) && 'requestId' in message);
}

/** The most that these roles let a client do. Throws FORBIDDEN when none of them is a client's. */
export function clientRole(roles: readonly Role[]): ClientRole {
  for (const role of ['operator', 'client', 'read-only'] as const) if (roles.includes(role)) return role;
  throw new ProtocolError('FORBIDDEN', `the role ${roles.join(', ')} may not connect as a client`, {
    messageType: 'ClientHandshake',
  });
}

/** Throws FORBIDDEN when none of these roles is an agent's. */
export function mustBeAgent(roles: readonly Role[]): void {
  if (roles.includes('agent') || roles.includes('operator')) return;
  throw new ProtocolError('FORBIDDEN', `the role ${roles.join(', ')} may not connect as an agent`, {
    messageType: 'AgentHandshake',
  });
}

/** Why this client may not send this message, or null. */
export function forbidden(
  core: CoreState,
  connection: Connection,
  role: ClientRole,
  clientId: string,
  message: Message,
): ProtocolError | null {
  if (role === 'operator') return null;
  const { type } = message;
  const context = {
    messageType: type,
    requestId: 'requestId' in message ? message.requestId : undefined,
  };
  if (MAY_SEND.get(type)?.includes(role) !== true) {
    return new ProtocolError('FORBIDDEN', `the role ${role} may not send ${type}`, context);
  }
  if (message.type === 'CancelTask' && !core.ownTasks.has(message.taskId, ownerOf(connection, clientId))) {
    const text = `the role ${role} may cancel only what it has submitted; an operator may cancel every task`;
    return new ProtocolError('FORBIDDEN', text, { ...context, taskId: message.taskId });
  }
  return null;
}

/** By whom a task is owned: the certificate, and the name that the client gives itself. */
export function ownerOf({ certificate }: Connection, clientId: string): string {
  return `${certificate ?? ''} ${clientId}`;
}

/** Remembered submits of clients that are no operators. */
const MAX_OWN_TASKS = 100_000;

/** Whose task it is, for the latest submits of this process: the oldest are forgotten, and are an operator's then. */
export class OwnTasks {
  readonly #owners = new RecentMap<string>(MAX_OWN_TASKS);

  add(taskId: string, owner: string): void {
    this.#owners.set(taskId, owner);
  }

  has(taskId: string, owner: string): boolean {
    return this.#owners.get(taskId) === owner;
  }
}

/** What a message acts upon, for the audit. */
export function subjectOf(message: Message): Readonly<Record<string, string>> {
  switch (message.type) {
    case 'AddRecurring':
      return { schedule: message.name, kind: message.kind };
    case 'DropRecurring':
      return { schedule: message.name };
    case 'SetLogLevel':
      return {
        logLevel: message.level,
        ...(message.agentId === undefined ? {} : { agentId: message.agentId }),
      };
    default:
      return {
        ...('taskId' in message && typeof message.taskId === 'string' ? { taskId: message.taskId } : {}),
        ...('kind' in message && typeof message.kind === 'string' ? { kind: message.kind } : {}),
      };
  }
}
