import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DgramSocket } from 'node-unix-socket';
import type { Test } from 'tap';

/** A path for a socket that nobody has bound; a socket's path must be short (unix(7)). */
export function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'swarm-notify-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'socket');
}

/** The other end of sd_notify(3): a datagram socket, and what came on it. Closed when the test ends. */
export class ServiceManager {
  /** Messages that `next` has not taken, each as its lines. */
  readonly unread: string[][] = [];
  readonly #socket = new DgramSocket();
  #waiting: ((message: string[]) => void) | null = null;

  /** `path`: of a file, or `\0` and an abstract name. */
  constructor(
    t: Test,
    readonly path = socketPath(t),
  ) {
    this.#socket.bind(path);
    this.#socket.on('data', (bytes: Buffer) => {
      const message = bytes.toString().split('\n');
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting === null) this.unread.push(message);
      else waiting(message);
    });
    t.teardown(() => this.#socket.close());
  }

  next(): Promise<string[]> {
    const message = this.unread.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** The next message whose first line is this; others before it are dropped. */
  async until(line: string): Promise<string[]> {
    for (;;) {
      const message = await this.next();
      if (message[0] === line) return message;
    }
  }
}
