import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { withDeadline } from '../../lib/deadline.js';

const START_DEADLINE_MS = 10_000;
/** Where distributions put servers, though not every user's PATH says so. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** Full path of a program, or null when it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_FOLDERS];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not there
    }
  }
  return null;
}

/** A TCP port of the loopback that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** A server of somebody else's, in the foreground; it ends with this process at the latest. */
export class ServerProcess {
  readonly #process: ChildProcess;
  readonly #killAtExit: () => void;

  private constructor(process_: ChildProcess) {
    this.#process = process_;
    this.#killAtExit = () => void process_.kill('SIGKILL');
    process.once('exit', this.#killAtExit);
  }

  /** Resolves when a line of its output matches `ready`. */
  static async start(program: string, args: readonly string[], ready: RegExp): Promise<ServerProcess> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new ServerProcess(child);
    const said: string[] = [];
    const isReady = new Promise<void>((resolve, reject) => {
      const take = (line: string) => {
        said.push(line);
        if (said.length > 20) said.shift();
        if (ready.test(line)) resolve();
      };
      createInterface({ input: child.stdout }).on('line', take);
      createInterface({ input: child.stderr }).on('line', take);
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${program} ended early:\n${said.join('\n')}`)));
    });
    try {
      await withDeadline(isReady, START_DEADLINE_MS, `start of ${program}`);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killAtExit);
    const { exitCode, signalCode, pid } = this.#process;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
