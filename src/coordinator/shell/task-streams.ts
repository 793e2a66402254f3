import type { MessageChannel } from '../../protocol/channel.js';
import { ERRORS } from '../../protocol/errors.js';
import type { MessageOf } from '../../protocol/messages.js';

type AgentTask = MessageOf<'AgentTask'>;

/** Urgency of streams that carry one large message: after every lane. */
const BULK_URGENCY = 6;
/** Handed to the transport ahead of the network; a task beyond it waits, so that its input is not copied before its turn. */
const AHEAD_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly message: AgentTask;
  readonly payload: Uint8Array;
}

/** The streams on which large tasks go to one agent, each alone, some megabytes at a time: they share one path anyway. */
export class TaskStreams {
  readonly #open: () => MessageChannel;
  /** By task, until it is answered. */
  readonly #streams = new Map<string, MessageChannel>();
  /** All and only those that have not handed all they carry to the network, with its size. */
  readonly #busy = new Map<MessageChannel, number>();
  #busyBytes = 0;
  /** In the order of dispatch, as a Map keeps it. The inputs are the core's own, not copies. */
  readonly #waiting = new Map<string, Waiting>();

  /** `open` makes a stream whose `drained` and `closed` are told here. */
  constructor(open: () => MessageChannel) {
    this.#open = open;
  }

  /** Bytes copied for the transport that the network has not taken. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const { stream } of this.#busy.keys()) bytes += stream.bufferedBytes;
    return bytes;
  }

  send(message: AgentTask, payload: Uint8Array): void {
    this.#waiting.set(message.taskId, { message, payload });
    this.#pump();
  }

  /** Resetting the stream of a task is its cancellation, and spares what has not been sent of it. */
  cancel(taskId: string): void {
    this.#waiting.delete(taskId);
    const channel = this.#streams.get(taskId);
    if (channel === undefined) return;
    this.#streams.delete(taskId);
    channel.stream.reset(ERRORS.TASK_CANCELLED.code);
    this.drained(channel);
  }

  /** The agent has answered: nobody needs the stream for this task any more. */
  answered(taskId: string): void {
    this.#streams.delete(taskId);
  }

  drained(channel: MessageChannel): void {
    const bytes = this.#busy.get(channel);
    if (bytes === undefined) return;
    this.#busy.delete(channel);
    this.#busyBytes -= bytes;
    this.#pump();
  }

  closed(channel: MessageChannel): void {
    for (const [taskId, open] of this.#streams) if (open === channel) this.#streams.delete(taskId);
    this.drained(channel);
  }

  /** The connection is over. */
  clear(): void {
    this.#waiting.clear();
  }

  #pump(): void {
    for (const [taskId, { message, payload }] of this.#waiting) {
      if (this.#busyBytes >= AHEAD_BYTES) return;
      this.#waiting.delete(taskId);
      const channel = this.#open();
      channel.stream.setPriority(BULK_URGENCY, true);
      this.#streams.set(taskId, channel);
      this.#busy.set(channel, payload.length);
      this.#busyBytes += payload.length;
      const ready = channel.send(message, payload);
      channel.end();
      if (ready) this.drained(channel);
    }
  }
}
