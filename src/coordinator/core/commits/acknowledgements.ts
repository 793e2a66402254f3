import type { CoreState } from '../state.js';

/** Ids in one MessageAck: about 40 kB. */
const MAX_ACK_IDS = 1_000;

interface Ids {
  requestIds: number[];
  taskIds: string[];
}

/** Acknowledgements of one commit, gathered by connection: one MessageAck for each connection and status. */
export class Acknowledgements {
  readonly #core: CoreState;
  readonly #received = new Map<string, Ids>();
  readonly #processed = new Map<string, Ids>();

  constructor(core: CoreState) {
    this.#core = core;
  }

  received(connectionId: string, requestId: number, taskId: string): void {
    this.#add('received', this.#received, connectionId, requestId, taskId);
  }

  processed(connectionId: string, requestId: number | null, taskId: string): void {
    this.#add('processed', this.#processed, connectionId, requestId, taskId);
  }

  send(): void {
    for (const [connectionId, ids] of this.#received) this.#emit('received', connectionId, ids);
    for (const [connectionId, ids] of this.#processed) this.#emit('processed', connectionId, ids);
  }

  #add(
    status: 'received' | 'processed',
    batches: Map<string, Ids>,
    connectionId: string,
    requestId: number | null,
    taskId: string,
  ): void {
    let ids = batches.get(connectionId);
    if (ids !== undefined && ids.taskIds.length >= MAX_ACK_IDS) {
      this.#emit(status, connectionId, ids);
      ids = undefined;
    }
    if (ids === undefined) {
      ids = { requestIds: [], taskIds: [] };
      batches.set(connectionId, ids);
    }
    if (requestId !== null) ids.requestIds.push(requestId);
    ids.taskIds.push(taskId);
  }

  #emit(status: 'received' | 'processed', connectionId: string, { requestIds, taskIds }: Ids): void {
    this.#core.send(connectionId, { type: 'MessageAck', status, requestIds, taskIds });
  }
}
