import { Worker } from 'node:worker_threads';
import { StoreOpenError } from '../open-error.js';
import { StoreError } from '../store.js';
import type { Answer, Question, Reply, WorkerMessage, WorkerSettings } from './messages.js';

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One life of the worker: from its start to its end, whatever the end is. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #notice: (message: string) => void;
  #nextId = 0;
  /** Why it ended, as far as it said. */
  #end: Error | null = null;

  /** Resolves when the database is open; rejects with a StoreOpenError. */
  readonly opened: Promise<void>;
  /** Resolves when the thread is gone, and everything that waited for it has been told. */
  readonly ended: Promise<void>;

  constructor(settings: WorkerSettings, notice: (message: string) => void) {
    this.#notice = notice;
    // what is loaded into the process by its flags has no business here, and would be loaded once more
    const options = { workerData: settings, execArgv: [] };
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), options);
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    this.#worker.on('error', (error) => (this.#end ??= error));
    this.opened = new Promise((resolve, reject) => {
      this.#worker.on('message', ({ type }: WorkerMessage) => {
        if (type === 'opened') resolve();
      });
      this.#worker.once('exit', () => {
        const end = this.#end;
        reject(end instanceof StoreOpenError ? end : new StoreOpenError('UNAVAILABLE', this.#reason()));
      });
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        const lost = new StoreError('UNAVAILABLE', `the store failed: ${this.#reason()}`);
        for (const { reject } of this.#waiting.values()) reject(lost);
        this.#waiting.clear();
        resolve();
      });
    });
    // Whoever asks something before it is open hears of a failure by the answer.
    this.opened.catch(() => undefined);
  }

  ask(question: Question, transfer: ArrayBuffer[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, question }, transfer);
    });
  }

  /** Ends it as if it had crashed. */
  kill(): void {
    void this.#worker.terminate();
  }

  #reason(): string {
    return this.#end?.message ?? 'its thread ended';
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'opened':
        return;
      case 'refused':
        this.#end = new StoreOpenError(message.reason, message.message);
        return;
      case 'notice':
        this.#notice(message.message);
        return;
      case 'replies':
        for (const reply of message.replies) this.#settle(reply);
    }
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if ('answer' in reply) waiting.resolve(reply.answer);
    else waiting.reject(new StoreError(reply.reason, reply.message));
  }
}
