import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that are not answered yet. Hardly any client sends a second one before it has its answer. */
const MAX_UNANSWERED = 32;

interface Line {
  length: number;
  /** Settles when the last one so far is over. */
  last: Promise<void>;
}

/**
 * Lets the requests of a connection be answered one after another (pipelining, RFC 9112 §9.3.2): the next answer is made
 * when the one before has been handed to the system, so that a connection never holds more than one of them in memory.
 */
export class Turns {
  readonly #lines = new WeakMap<Socket, Line>();

  /** Resolves to whether the answer is to be made now; not when the connection is gone. Ends one that asks too much at once. */
  async wait(socket: Socket, response: ServerResponse): Promise<boolean> {
    const line = this.#lines.get(socket) ?? { length: 0, last: Promise.resolve() };
    this.#lines.set(socket, line);
    if (++line.length > MAX_UNANSWERED) socket.destroy();
    // a response has the socket while it is its turn, and those that never get it never close
    const isOn = () => response.socket !== null && !socket.destroyed;
    const before = line.last;
    line.last = before.then(async () => {
      if (isOn()) await new Promise<void>((resolve) => response.once('close', resolve));
      line.length--;
    });
    await before;
    return isOn();
  }
}
