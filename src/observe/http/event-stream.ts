import type { ServerResponse } from 'node:http';
import type { SwarmEvent } from '../../protocol/messages.js';
import type { CoordinatorView } from '../coordinator-view.js';
import { HttpError } from './reply.js';

const MAX_STREAMS = 64;
/** What may wait for a reader; events beyond it are dropped and counted. */
const MAX_UNREAD_BYTES = 256 * 1024;
/** A comment this often keeps the connection from looking idle, and shows when the reader is gone. */
const KEEP_ALIVE_MS = 15_000;
const RETRY_MS = 2_000;

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `event: NAME` and its fields as
 * JSON. When events were lost, because there were too many or this reader is slow, `event: dropped` says how many:
 * `{"dropped":17}`; whoever counts asks anew how things stand.
 */
export class EventStreams {
  readonly #view: CoordinatorView;
  readonly #open = new Set<ServerResponse>();

  constructor(view: CoordinatorView) {
    this.#view = view;
  }

  /** Writes events until `signal` is aborted. Throws HttpError 503 when there are too many streams. */
  open(response: ServerResponse, signal: AbortSignal, withBody: boolean): void {
    if (this.#open.size >= MAX_STREAMS) {
      throw new HttpError(503, 'TOO_MANY_STREAMS', `${MAX_STREAMS} event streams are open already`);
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (!withBody || signal.aborted) {
      response.end();
      return;
    }
    this.#open.add(response);
    response.write(`retry: ${RETRY_MS}\n\n`);
    let lost = 0;
    const unsubscribe = this.#view.subscribe((events, dropped) => {
      lost += dropped;
      if (response.writableLength > MAX_UNREAD_BYTES) {
        lost += events.length;
        return;
      }
      const news = lost === 0 ? '' : block('dropped', { dropped: lost });
      lost = 0;
      response.write(news + events.map((event) => block(event.event, event)).join(''));
    });
    const keepAlive = setInterval(() => {
      if (response.writableLength === 0) response.write(': \n\n');
    }, KEEP_ALIVE_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(keepAlive);
        unsubscribe();
        this.#open.delete(response);
        response.end();
      },
      { once: true },
    );
  }
}

function block(name: string, data: SwarmEvent | { readonly dropped: number }): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
