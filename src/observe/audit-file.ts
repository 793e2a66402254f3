import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * An audit log: one JSON object a line, appended. Each line is handed to the system before `write` returns; operator
 * actions are rare. The file is made with mode 0600.
 */
export class AuditFile {
  readonly #path: string;
  #file: number;

  /** @throws when the file cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.#file = open(path);
  }

  /** @throws when it cannot be written; the line may be there in part. */
  write(record: Readonly<Record<string, unknown>>): void {
    writeSync(this.#file, `${JSON.stringify(record)}\n`);
  }

  /** Goes on in a new file of the same name, after the old one was moved away. The old one stays when that fails. */
  reopen(): void {
    const file = open(this.#path);
    closeSync(this.#file);
    this.#file = file;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function open(path: string): number {
  return openSync(path, 'a', 0o600);
}
