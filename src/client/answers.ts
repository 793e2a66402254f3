import { ProtocolError } from '../protocol/errors.js';
import type { Message } from '../protocol/messages.js';
import { decodeValue } from '../protocol/value.js';
import { outcomeOf, type TaskOutcome } from './task.js';
import type { Waiting } from './waiting.js';

/** A promise of the one answer to a request, by its two ends. */
export class Answer<T> implements Waiting {
  readonly #read: (message: Message, payload: Uint8Array | null) => T;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (reason: unknown) => void;

  /** `read` may throw: a payload may not be what it should. */
  constructor(
    read: (message: Message, payload: Uint8Array | null) => T,
    resolve: (answer: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(message: Message, payload: Uint8Array | null): void {
    try {
      this.#resolve(this.#read(message, payload));
    } catch (error) {
      this.#reject(error);
    }
  }

  failed(reason: unknown): void {
    this.#reject(reason);
  }
}

export const valueIn = (message: Message, payload: Uint8Array | null) => ({
  message,
  value: payload === null ? null : decodeValue(payload),
});

export function outcomeIn(message: Message, payload: Uint8Array | null): TaskOutcome {
  if (message.type !== 'TaskUpdate') throw wrongAnswer(message);
  return outcomeOf(message.task, payload === null ? null : decodeValue(payload));
}

export function wrongAnswer(message: Message): ProtocolError {
  return new ProtocolError('UNEXPECTED_MESSAGE', `${message.type} answers no such request`);
}
