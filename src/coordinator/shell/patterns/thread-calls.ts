import type { Worker } from 'node:worker_threads';

/** What a thread is asked, and what it says. */
export interface Call<Question> {
  readonly callId: number;
  readonly question: Question;
}
export type Reply<Answer> =
  | { readonly callId: number; readonly answer: Answer }
  | { readonly callId: number; readonly problem: string };

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Asks a thread, which answers in its order. When the thread ends, what waits for it rejects, and all that is asked later. */
export class ThreadCalls<Question, Answer> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting<Answer>>();
  #nextId = 0;
  #end: Error | null = null;
  /** Resolves when the thread is gone. */
  readonly #ended: Promise<void>;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: Reply<Answer>) => {
      const waiting = this.#waiting.get(reply.callId);
      this.#waiting.delete(reply.callId);
      if ('answer' in reply) waiting?.resolve(reply.answer);
      else waiting?.reject(new Error(reply.problem));
    });
    worker.on('error', (error) => (this.#end ??= error));
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end ??= new Error('its thread ended');
        for (const { reject } of this.#waiting.values()) reject(this.#end);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  ask(question: Question): Promise<Answer> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const callId = this.#nextId++;
      this.#waiting.set(callId, { resolve, reject });
      this.#worker.postMessage({ callId, question } satisfies Call<Question>);
    });
  }

  async close(): Promise<void> {
    void this.#worker.terminate();
    await this.#ended;
  }
}

/** The other side: answers calls one after another. */
export function answerCalls<Question, Answer>(
  port: {
    on(event: 'message', listener: (call: Call<Question>) => void): unknown;
    postMessage(reply: Reply<Answer>): void;
  },
  answer: (question: Question) => Answer | Promise<Answer>,
): void {
  let last: Promise<void> = Promise.resolve();
  port.on('message', ({ callId, question }) => {
    last = last.then(async () => {
      try {
        port.postMessage({ callId, answer: await answer(question) });
      } catch (error) {
        port.postMessage({ callId, problem: error instanceof Error ? error.message : String(error) });
      }
    });
  });
}
