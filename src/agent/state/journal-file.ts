import { close, ftruncate, open, rename, unlink, write } from 'node:fs';

/**
 * The file of a journal, written at its end or replaced as a whole. One call at a time. Callbacks, not promises: this
 * runs once a turn of the event loop under load. No descriptor is held while the file is empty.
 */
export class JournalFile {
  readonly #path: string;
  #fd: number | null = null;
  /** Where the next record goes. A write that failed has left nothing before it. */
  #length: number;

  constructor(path: string, length: number) {
    this.#path = path;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer, done: (error: Error | null) => void): void {
    this.#opened((error, fd) => {
      if (error !== null) done(error);
      else
        writeAll(fd, bytes, this.#length, (failure) => {
          if (failure === null) this.#length += bytes.length;
          done(failure);
        });
    });
  }

  /** Removes all that is in it. */
  clear(done: (error: Error | null) => void): void {
    if (this.#length === 0 && this.#fd === null) {
      done(null);
      return;
    }
    this.#opened((error, fd) => {
      if (error !== null) {
        done(error);
        return;
      }
      ftruncate(fd, 0, (failure) => {
        if (failure === null) this.#length = 0;
        this.release(() => done(failure));
      });
    });
  }

  /**
   * Puts new contents in its place, all or nothing. `next` gives them in parts, each valid until the next call, and null
   * at the end.
   */
  replace(next: () => Buffer | null, done: (error: Error | null) => void): void {
    const path = `${this.#path}.new`;
    open(path, 'w', 0o600, (error, fd) => {
      if (error !== null) {
        done(error);
        return;
      }
      let length = 0;
      const fail = (failure: Error) => close(fd, () => unlink(path, () => done(failure)));
      const step = () => {
        const part = next();
        if (part === null) {
          rename(path, this.#path, (failure) => {
            if (failure !== null) fail(failure);
            else
              this.release(() => {
                this.#fd = fd;
                this.#length = length;
                done(null);
              });
          });
          return;
        }
        writeAll(fd, part, length, (failure) => {
          length += part.length;
          if (failure === null) step();
          else fail(failure);
        });
      };
      step();
    });
  }

  /** Gives the descriptor back; the next call opens the file again. */
  release(done: () => void): void {
    const fd = this.#fd;
    this.#fd = null;
    if (fd === null) done();
    else close(fd, () => done());
  }

  #opened(use: (...result: [error: null, fd: number] | [error: Error, fd: null]) => void): void {
    if (this.#fd !== null) {
      use(null, this.#fd);
      return;
    }
    // Not for appending: each write says where it goes, and so overwrites what a failed one left.
    open(this.#path, this.#length === 0 ? 'w' : 'r+', 0o600, (error, fd) => {
      if (error !== null) {
        use(error, null);
        return;
      }
      this.#fd = fd;
      use(null, fd);
    });
  }
}

/** A full disk may take a part of a write before it refuses the rest. */
function writeAll(fd: number, bytes: Buffer, position: number, done: (error: Error | null) => void): void {
  write(fd, bytes, 0, bytes.length, position, (error, written) => {
    if (error !== null || written === bytes.length) done(error);
    else writeAll(fd, bytes.subarray(written), position + written, done);
  });
}
