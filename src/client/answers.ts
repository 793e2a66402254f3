import { ProtocolError } from '../protocol/errors.js';
import type { Message } from '../protocol/messages.js';
import { decodeValue } from '../protocol/value.js';
import { outcomeOf, type TaskOutcome } from './task.js';

export function outcomeIn(message: Message, payload: Uint8Array | null): TaskOutcome {
  if (message.type !== 'TaskUpdate') throw wrongAnswer(message);
  return outcomeOf(message.task, payload === null ? null : decodeValue(payload));
}

export function wrongAnswer(message: Message): ProtocolError {
  return new ProtocolError('UNEXPECTED_MESSAGE', `${message.type} answers no such request`);
}
