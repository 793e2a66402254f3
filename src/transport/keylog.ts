import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * TLS secrets in NSS key log format, for Wireshark (SSLKEYLOGFILE). The native library truncates the file it is
 * given for each connection, so each writes one of its own, which is appended to the real one when the handshake is over.
 */
export class Keylog {
  private readonly directory: string;

  private constructor(private readonly target: string) {
    this.directory = mkdtempSync(join(tmpdir(), 'quic-keylog-'));
  }

  /** Null unless SSLKEYLOGFILE names a file. */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): Keylog | null {
    const target = environment.SSLKEYLOGFILE;
    return target === undefined || target === '' ? null : new Keylog(target);
  }

  /** File for one connection's secrets. */
  fileFor(connectionId: string): string {
    return join(this.directory, `${connectionId}.log`);
  }

  /** Moves what a connection has written to the real file. May be called again; best effort, this is for debugging. */
  collect(connectionId: string): void {
    try {
      const file = this.fileFor(connectionId);
      const secrets = readFileSync(file);
      if (secrets.length > 0) appendFileSync(this.target, secrets, { mode: 0o600 });
      rmSync(file);
    } catch {
      // Nothing was written, or the target cannot be written: no reason to fail a connection.
    }
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
