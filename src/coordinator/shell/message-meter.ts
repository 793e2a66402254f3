import type { MessageFigures } from '../../observe/metrics/snapshot.js';
import { messageSchemas, type MessageType } from '../../protocol/messages.js';

interface Traffic {
  messages: number;
  bytes: number;
}

/** Counts messages and the bytes of their frames by type. */
export class MessageMeter {
  readonly #received = emptyCounts();
  readonly #sent = emptyCounts();

  received(type: MessageType, bytes: number): void {
    count(this.#received.get(type), bytes);
  }

  sent(type: MessageType, bytes: number): void {
    count(this.#sent.get(type), bytes);
  }

  /** Types of which there were any. */
  figures(): readonly MessageFigures[] {
    const figures: MessageFigures[] = [];
    for (const [type, received] of this.#received) {
      const sent = this.#sent.get(type) ?? { messages: 0, bytes: 0 };
      if (received.messages > 0 || sent.messages > 0) figures.push({ type, received, sent });
    }
    return figures;
  }
}

function count(traffic: Traffic | undefined, bytes: number): void {
  if (traffic === undefined) return;
  traffic.messages++;
  traffic.bytes += bytes;
}

function emptyCounts(): Map<string, Traffic> {
  return new Map(Object.keys(messageSchemas).map((type) => [type, { messages: 0, bytes: 0 }]));
}
