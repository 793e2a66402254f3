import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { StoreError } from '../store.js';
import { dataFiles } from './files.js';
import { Engine, type Read, type Steps, type Write } from './engine.js';
import type { Answer, Reply, Request, WorkerMessage, WorkerSettings } from './messages.js';
import { toOpenError, toStoreError } from './sqlite-fault.js';

/** The thread that a SqliteStore starts. One transaction for all the writes that wait, up to these bounds. */
const GROUP_WRITES = 256;
const GROUP_BYTES = 16 * 1024 * 1024;

interface Pending<Q> {
  readonly id: number;
  readonly question: Q;
}

interface Running {
  readonly id: number;
  readonly steps: Generator<undefined, Answer>;
}

/** Long work gets a step of its own after so many turns in which something else came first. */
const PATIENCE = 8;

/** Answers what comes in at a port: in each turn the writes that wait, one read, and a step of what takes long when there is neither. */
class Server {
  readonly #writes: Pending<Write>[] = [];
  readonly #reads: Pending<Read>[] = [];
  readonly #running: Running[] = [];
  /** Turns since the last step of what takes long. */
  #passedOver = 0;
  #closing: number | null = null;
  #faultSaid = false;

  constructor(
    readonly port: MessagePort,
    readonly engine: Engine,
    readonly path: string,
  ) {}

  /** Goes on until nothing waits. What comes in meanwhile is taken in between turns. */
  serve(first: Request): void {
    this.#enqueue(first);
    for (;;) {
      this.#receive();
      const busy = this.#writes.length > 0 || this.#reads.length > 0;
      if (this.#writes.length > 0) this.#write();
      if (this.#reads.length > 0) this.#read();
      if (!busy && (this.#closing !== null || this.#running.length === 0)) break;
      if (!busy || ++this.#passedOver >= PATIENCE) this.#step();
    }
    if (this.#closing === null) this.#tidy(true);
    else this.#close(this.#closing);
  }

  #receive(): void {
    for (;;) {
      const received: { message: Request } | undefined = receiveMessageOnPort(this.port);
      if (received === undefined) return;
      this.#enqueue(received.message);
    }
  }

  #enqueue({ id, question }: Request): void {
    switch (question.type) {
      case 'commit':
      case 'consumeNonces':
        this.#writes.push({ id, question });
        return;
      case 'list':
      case 'prune':
        this.#running.push({ id, steps: this.#stepsOf(question) });
        return;
      case 'close':
        this.#closing = id;
        return;
      default:
        this.#reads.push({ id, question });
    }
  }

  #write(): void {
    let count = 0;
    let bytes = 0;
    for (const { question } of this.#writes) {
      bytes += question.type === 'commit' ? question.ops.byteLength : 0;
      if (count === GROUP_WRITES || (count > 0 && bytes > GROUP_BYTES)) break;
      count++;
    }
    const group = this.#writes.splice(0, count);
    const answers = this.engine.write(group.map(({ question }) => question));
    this.#reply(group.map(({ id }, index) => replyOf(id, answers[index] ?? null)));
    this.#tidy(false);
  }

  #read(): void {
    const next = this.#reads.shift();
    if (next === undefined) return;
    this.#reply([this.#try(next.id, () => this.engine.read(next.question))]);
  }

  /** Long work takes turns. */
  #step(): void {
    this.#passedOver = 0;
    const next = this.#running.shift();
    if (next === undefined) return;
    const reply = this.#try(next.id, () => {
      const { done, value } = next.steps.next();
      if (done === true) return value;
      this.#running.push(next);
      return undefined;
    });
    if (reply !== null) this.#reply([reply]);
  }

  #stepsOf(question: Steps): Generator<undefined, Answer> {
    return this.engine.steps(question);
  }

  #try(id: number, body: () => Answer): Reply;
  #try(id: number, body: () => Answer | undefined): Reply | null;
  #try(id: number, body: () => Answer | undefined): Reply | null {
    try {
      const answer = body();
      return answer === undefined ? null : replyOf(id, answer);
    } catch (error) {
      return replyOf(id, toStoreError(error, this.path));
    }
  }

  /** A failure here concerns no caller, and is said once until it goes well again. */
  #tidy(idle: boolean): void {
    try {
      this.engine.tidy(idle);
      this.#faultSaid = false;
    } catch (error) {
      const message = `the write-ahead log could not be copied: ${toStoreError(error, this.path).message}`;
      if (!this.#faultSaid) this.#send({ type: 'notice', message });
      this.#faultSaid = true;
    }
  }

  #close(id: number): void {
    const closed = new StoreError('CLOSED', 'the store is closed');
    this.#reply(this.#running.map((running) => replyOf(running.id, closed)));
    try {
      this.engine.close();
    } catch {
      // What was committed is in the log, which the next opening reads.
    }
    this.#reply([{ id, answer: null }]);
    this.port.close();
  }

  #reply(replies: readonly Reply[]): void {
    if (replies.length === 0) return;
    const buffers = replies.flatMap((reply) =>
      'answer' in reply && reply.answer instanceof ArrayBuffer ? [reply.answer] : [],
    );
    this.#send({ type: 'replies', replies }, buffers);
  }

  #send(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfer);
  }
}

function replyOf(id: number, answer: Answer | StoreError): Reply {
  if (answer instanceof StoreError) return { id, reason: answer.reason, message: answer.message };
  return { id, answer };
}

function start(port: MessagePort, settings: WorkerSettings): void {
  const { database } = dataFiles(settings.directory);
  const say = (message: WorkerMessage) => port.postMessage(message);
  let engine: Engine;
  try {
    engine = new Engine(settings);
  } catch (error) {
    const { reason, message } = toOpenError(error, database);
    say({ type: 'refused', reason, message });
    return;
  }
  const server = new Server(port, engine, database);
  port.on('message', (request: Request) => server.serve(request));
  say({ type: 'opened' });
}

if (parentPort !== null) start(parentPort, workerData as WorkerSettings);
