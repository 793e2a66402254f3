import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A forked script that is told what to do in its first message, says once that it is ready, and ends when we disconnect. */
export class Child<Ready> {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly ready: Ready;

  private constructor(process: ChildProcess, name: string, ready: Ready) {
    this.#process = process;
    this.#name = name;
    this.ready = ready;
  }

  /** Rejects when the child ends or says something that `parse` throws at. */
  static async start<Ready>(
    script: URL,
    name: string,
    task: object,
    parse: (message: unknown) => Ready,
  ): Promise<Child<Ready>> {
    const child = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} process ended early (${String(code)})`);
    });
    child.send(task);
    const message = once(child, 'message').then(([first]: unknown[]) => parse(first));
    return new Child(child, name, await Promise.race([message, ended]));
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  /** Resolves when the process is gone; rejects when it did not end well. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    const [code, signal] = (await ended) as [number | null, string | null];
    if (code !== 0) throw new Error(`${this.#name} process ended with ${String(code ?? signal)}`);
  }
}
