import type { Message, MessageType } from './messages.js';
import { reasoningRules } from './rules/reasoning-rules.js';
import { reportRules } from './rules/report-rules.js';
import { requestRules } from './rules/request-rules.js';
import { sessionRules } from './rules/session-rules.js';
import { workRules } from './rules/work-rules.js';
import type { MessageRule } from './rules/rule.js';

export type { MessageRule, PayloadRule, Role, StreamUse } from './rules/rule.js';

/** The rule of each message. */
export const messageRules: Readonly<Record<MessageType, MessageRule>> = {
  ...sessionRules,
  ...workRules,
  ...reasoningRules,
  ...requestRules,
  ...reportRules,
};

/** Whether this message must, may or must not have a payload. */
export function payloadNeed(message: Message): 'none' | 'required' | 'optional' {
  switch (message.type) {
    case 'TaskCompletion':
      return message.outcome === 'completed' ? 'required' : 'none';
    case 'TaskUpdate':
      return message.task.state === 'completed' ? 'optional' : 'none';
    default:
      return messageRules[message.type].payload.need === 'required' ? 'required' : 'none';
  }
}
