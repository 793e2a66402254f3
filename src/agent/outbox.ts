import { TransientMap } from '../collections/transient-map.js';
import type { ErrorDetail, Lease, Message, MessageOf } from '../protocol/messages.js';

/** Every message that may end a lease; `isAnswerMessage` tells them from others. */
export type AnswerMessage = MessageOf<
  'TaskCompletion' | 'PatternMatchResult' | 'StrategyCorrelation' | 'NeuralGradients'
>;

export function isAnswerMessage(message: Message): message is AnswerMessage {
  return (
    message.type === 'TaskCompletion' ||
    message.type === 'PatternMatchResult' ||
    message.type === 'StrategyCorrelation' ||
    message.type === 'NeuralGradients'
  );
}

/** What ends a lease: one of the messages that may, and the encoded result that goes with it. */
export interface Answer {
  readonly lease: Lease;
  readonly message: AnswerMessage;
  readonly payload: Uint8Array | null;
}

/**
 * Answers that the coordinator has not yet acknowledged as stored, one for each task: that of its newest lease. What
 * is put here is sent again after every reconnect until it is dropped. The in-memory one forgets with the process; a
 * durable one returns from `put` only when the answer is safe, and gives the answers of an earlier process from `all`.
 */
export interface Outbox {
  /** Replaces an earlier answer of the same task. */
  put(answer: Answer): void;
  get(taskId: string): Answer | null;
  drop(taskId: string): void;
  /** Oldest first. */
  all(): Iterable<Answer>;
  readonly size: number;
  /** Of all payloads together. */
  readonly bytes: number;
}

export class MemoryOutbox implements Outbox {
  readonly #answers = new TransientMap<string, Answer>();
  #bytes = 0;

  get size(): number {
    return this.#answers.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(answer: Answer): void {
    this.drop(answer.lease.taskId);
    this.#answers.set(answer.lease.taskId, answer);
    this.#bytes += answer.payload?.byteLength ?? 0;
  }

  get(taskId: string): Answer | null {
    return this.#answers.get(taskId) ?? null;
  }

  drop(taskId: string): void {
    this.#bytes -= this.#answers.get(taskId)?.payload?.byteLength ?? 0;
    this.#answers.delete(taskId);
  }

  all(): Iterable<Answer> {
    return this.#answers.values();
  }
}

/** The answer of a lease that did not complete. */
export function unfinished(
  lease: Lease,
  outcome: 'failed' | 'cancelled',
  runMs: number,
  error?: ErrorDetail,
): Answer {
  return {
    lease,
    message: {
      type: 'TaskCompletion',
      ...lease,
      outcome,
      runMs,
      ...(error === undefined ? {} : { error }),
    },
    payload: null,
  };
}
