import type { Message } from '../../../protocol/messages.js';
import type { ClientRole } from '../../../protocol/roles.js';
import type { CoreState } from '../state.js';
import type { Connection } from './connections.js';
import { subjectOf } from './rights.js';

type Fields = Record<string, string | number | boolean | null>;

/** Actions whose outcome is awaited at once; those beyond it are written down as begun. */
const MAX_OPEN = 10_000;

/**
 * What operators did, and what others were not allowed: one log line with `audit: true` for each, once its outcome is
 * known. The answer to the request is its outcome.
 */
export class Audit {
  /** By connection and request. */
  readonly #open = new Map<string, Fields>();

  /** No answer needs a look. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** A client asks for something that is audited. */
  begin(
    core: CoreState,
    connection: Connection,
    { role, clientId }: { readonly role: ClientRole; readonly clientId: string },
    message: Message,
  ): void {
    const { id, address, certificate } = connection;
    const fields = {
      audit: true,
      action: message.type,
      ...subjectOf(message),
      clientId,
      certificate,
      address,
      role,
    };
    const requestId = 'requestId' in message ? message.requestId : undefined;
    const key = `${id} ${String(requestId)}`;
    // of two requests under one id the answers cannot be told apart: neither may hide the other
    if (requestId === undefined || this.#open.size >= MAX_OPEN || this.#open.has(key)) {
      write(core, fields, 'begun');
    } else this.#open.set(key, fields);
  }

  /** A message goes to a client: the answer to what was begun, or nothing to do with it. */
  answered(core: CoreState, connectionId: string, message: Message): void {
    if (message.type === 'MessageAck') {
      for (const requestId of message.requestIds)
        this.#end(core, `${connectionId} ${String(requestId)}`, 'done');
    } else if ('requestId' in message) {
      const outcome = message.type === 'ErrorReport' ? message.name : 'done';
      this.#end(core, `${connectionId} ${String(message.requestId)}`, outcome);
    }
  }

  /** Nobody is left to be answered; what was begun may still happen. */
  abandoned(core: CoreState, connectionId: string): void {
    for (const key of this.#open.keys()) {
      if (key.startsWith(`${connectionId} `)) this.#end(core, key, 'connection lost before the answer');
    }
  }

  #end(core: CoreState, key: string, outcome: string): void {
    const fields = this.#open.get(key);
    if (fields === undefined) return;
    this.#open.delete(key);
    write(core, fields, outcome);
  }
}

function write(core: CoreState, fields: Fields, outcome: string): void {
  const failed = outcome === 'FORBIDDEN';
  core.log(failed ? 'warn' : 'info', failed ? 'operator action denied' : 'operator action', {
    ...fields,
    outcome,
  });
}
