import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import { OWN_IDS } from '../../../reasoning/experience.js';
import { refuse } from '../sessions/connection-lifecycle.js';
import type { Connection } from '../sessions/connections.js';
import type { Session } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { processed } from '../tasks/task-flow.js';
import { tellBank } from './carry-out.js';

/** What agents say of what they did, of what they were told to change, and of what others did. */

export function experienceReported(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: MessageOf<'ReasoningExperience'>,
  now: number,
): void {
  const { type: messageType, ...experience } = message;
  const { agentId, experienceId, taskId } = experience;
  let fault: { readonly field: string; readonly text: string } | null = null;
  if (agentId !== session.agentId) {
    fault = {
      field: '/agentId',
      text: `this agent is '${session.agentId}' and may not speak for '${agentId}'`,
    };
  } else if (experienceId.startsWith(OWN_IDS)) {
    const text = `ids that begin with '${OWN_IDS}' are the coordinator's own: use a UUID`;
    fault = { field: '/experienceId', text };
  }
  if (fault !== null) {
    const { field, text } = fault;
    refuse(core, connection, new ProtocolError('BAD_FIELD', text, { messageType, field }), now);
    return;
  }
  const kind = (taskId === undefined ? undefined : core.tasks.get(taskId))?.spec.kind ?? null;
  tellBank(core, { type: 'experienceReported', experience, kind }, now);
  // stored with it, or before it
  core.commits.say(processed(session, experienceId, 0));
}

export function adaptationAnswered(
  core: CoreState,
  session: Session,
  { adaptationId, outcome, reason = 'no reason given' }: MessageOf<'AdaptationAck'>,
  now: number,
): void {
  const { agentId } = session;
  if (outcome === 'refused') {
    core.log('warn', 'agent refuses an adaptation', { agentId, adaptationId, reason });
    tellBank(core, { type: 'adaptationRefused', agentId, adaptationId }, now);
  } else {
    tellBank(core, { type: 'adaptationAcknowledged', agentId, adaptationId }, now);
  }
}

export function verdictReceived(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: MessageOf<'ReasoningVerdict'>,
  now: number,
): void {
  const { type: messageType, experienceId, agentId, score, confidence, suggestions = [], memories } = message;
  if (session.identity.agentType !== 'reasoning') {
    const text = `only agents of type 'reasoning' judge; '${session.agentId}' is of type '${session.identity.agentType}'`;
    refuse(core, connection, new ProtocolError('UNEXPECTED_MESSAGE', text, { messageType }), now);
    return;
  }
  const judge = session.agentId;
  const verdict = { experienceId, agentId, judge, score, confidence, suggestions };
  tellBank(core, { type: 'verdictReceived', ...verdict }, now);
  if (memories !== undefined && memories.length > 0) {
    tellBank(core, { type: 'memoriesDistilled', drafts: memories }, now);
  }
}

/** The agent has its AgentAck. `resumed`: with all that it had, its parameters among it. */
export function agentJoined(core: CoreState, { agentId }: Session, resumed: boolean, now: number): void {
  tellBank(core, { type: 'agentJoined', agentId, resumed }, now);
}
