import type { Message, SwarmEvent, TaskSummary } from '../protocol/messages.js';

/** What the one who made a request wants to hear. */
export interface Waiting {
  /** False: nothing more is waited for. */
  accepted?(taskId: string): boolean;
  update?(task: TaskSummary): void;
  /** `missed`: lost after these; null, an unknown number. */
  events?(events: readonly SwarmEvent[], missed: number | null): void;
  /** It goes on under this number. */
  renumbered?(requestId: number): void;
  answered(message: Message, payload: Uint8Array | null): void;
  failed(reason: unknown): void;
}
