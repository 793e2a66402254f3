import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import { storeTakesLeases, storeUnavailable } from '../commits/store-health.js';
import type { Connection } from '../sessions/connections.js';
import { connectionOf } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { sendKept } from './settlement.js';

/** What operators ask of the coordinator as a whole. */

/** Kinds that may be paused at once: what a StatusReport names. */
const MAX_PAUSED = 1024;
const NOTHING = new Uint8Array(0);

/** Pauses or resumes a kind of task. Takes effect at once, and is acknowledged when it is stored. */
export function switchKind(
  core: CoreState,
  { id: connectionId }: Connection,
  { type, requestId, kind }: MessageOf<'PauseKind'> | MessageOf<'ResumeKind'>,
): void {
  const context = { messageType: type, requestId };
  if (!storeTakesLeases(core)) {
    core.sendError(connectionId, storeUnavailable(core)(context));
    return;
  }
  const isPaused = core.pausedKinds.has(kind);
  if (!isPaused && !isKnown(core, kind)) {
    const text = `no kind '${kind}': it is not built in, no agent offers it and no task of it waits`;
    core.sendError(connectionId, new ProtocolError('UNKNOWN_KIND', text, { ...context, field: '/kind' }));
    return;
  }
  const collection = 'paused-kind';
  const reply = { kind: 'kept', connectionId, requestId } as const;
  if (type === 'ResumeKind') {
    core.pausedKinds.delete(kind);
    core.commits.add({ op: 'drop-entry', collection, key: kind }, null, reply);
  } else if (!isPaused && core.pausedKinds.size >= MAX_PAUSED) {
    const text = `${MAX_PAUSED} kinds are paused already`;
    core.sendError(connectionId, new ProtocolError('TOO_MANY_REQUESTS', text, context));
    return;
  } else {
    core.pausedKinds.add(kind);
    core.commits.add({ op: 'put-entry', entry: { collection, key: kind, value: NOTHING } }, null, reply);
  }
  core.log('info', type === 'PauseKind' ? 'kind paused' : 'kind resumed', { kind });
}

function isKnown(core: CoreState, kind: string): boolean {
  return (
    core.options.builtInKinds.includes(kind) ||
    core.scheduler.isOffered(kind) ||
    core.ready.countByKind().has(kind)
  );
}

/** Has the shell drain and stop. Asked again while that goes on, it is acknowledged again. */
export function stopCoordinator(
  core: CoreState,
  { id: connectionId }: Connection,
  { type, requestId, timeoutMs }: MessageOf<'DrainCoordinator'>,
): void {
  if (!core.options.clientsMayStop) {
    const text = 'this coordinator is part of another program, which alone can stop it';
    core.sendError(connectionId, new ProtocolError('NOT_SUPPORTED', text, { messageType: type, requestId }));
    return;
  }
  sendKept(core, connectionId, requestId);
  if (core.operation.state !== 'running') return;
  core.log('info', 'a client asks for a drain', { timeoutMs: timeoutMs ?? null });
  core.act({ type: 'stop', timeoutMs: timeoutMs ?? null });
}

/** Has this process, or that of an agent, log from another level on. Nothing of it is stored. */
export function setLogLevel(
  core: CoreState,
  { id: connectionId, role }: Connection,
  { type, requestId, level, agentId }: MessageOf<'SetLogLevel'>,
): void {
  const context = { messageType: type, requestId };
  if (agentId !== undefined) {
    const session = core.registry.get(agentId);
    const agentConnection =
      session?.phase.state === 'joining' || session === undefined ? null : connectionOf(session);
    if (agentConnection === null) {
      const text = `no agent '${agentId}' is connected`;
      core.sendError(
        connectionId,
        new ProtocolError('UNKNOWN_AGENT', text, { ...context, field: '/agentId' }),
      );
      return;
    }
    core.send(agentConnection, { type: 'LogLevelCommand', level });
  } else if (core.options.logLevelMayChange) {
    core.act({ type: 'logLevel', level, by: role.kind === 'client' ? role.clientId : 'unknown' });
  } else {
    const text = 'this coordinator is part of another program, which alone decides what is logged';
    core.sendError(connectionId, new ProtocolError('NOT_SUPPORTED', text, context));
    return;
  }
  sendKept(core, connectionId, requestId);
}
