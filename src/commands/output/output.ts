import { once } from 'node:events';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';

/**
 * Standard output of a command that prints data. When the reader goes away (`… | head -1`) what is written is dropped
 * quietly, and `gone` fires so that a long command can stop; any other failure, such as a full disk, is thrown by the
 * next `write`.
 */
export class Output {
  private readonly reader = new AbortController();
  private failure: Error | null = null;

  constructor(private readonly stream: NodeJS.WritableStream = process.stdout) {
    stream.on('error', (error: Error) => {
      if (!('code' in error) || error.code !== 'EPIPE') this.failure = error;
      this.reader.abort();
    });
  }

  /** Fires when nobody reads any more. */
  get gone(): AbortSignal {
    return this.reader.signal;
  }

  /** Resolves when there is room for more, so that a slow reader slows the command down. */
  async write(text: string): Promise<void> {
    this.throwFailure();
    if (this.gone.aborted || this.stream.write(text)) return;
    try {
      await once(this.stream, 'drain', { signal: this.gone });
    } catch {
      // The stream failed, or its reader has gone: told by `failure` and `gone`.
    }
    this.throwFailure();
  }

  private throwFailure(): void {
    if (this.failure === null) return;
    throw new UsageError(`standard output: ${fileProblem(this.failure)}`, { cause: this.failure });
  }
}
