import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { plainNode } from './plain-node.js';

/** Folder of the package, from wherever the compiled file lies. */
export const PACKAGE_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) && existsSync(join(directory, 'bin'))
    ? directory
    : findRoot(dirname(directory));
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface DaemonOptions {
  /** For Node itself, such as `--import FILE`. */
  readonly nodeArgs?: readonly string[];
  /** With a channel for `send` and `message`. */
  readonly messages?: boolean;
  /** Beside the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with the process before it is ready, for whoever has to stop it even if it never will be. */
  readonly spawned?: (daemon: Daemon) => void;
}

/** A real process that logs to standard error, with its lines as they come. */
export class LoggingProcess {
  /** The lines that are JSON objects. */
  readonly lines: LogLine[] = [];
  /** The other ones. */
  readonly otherLines: string[] = [];
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private exit: Exit | null = null;
  private readonly waiting = new Set<() => void>();

  constructor(
    program: string,
    args: readonly string[],
    cwd: string,
    { messages = false, env = {} }: Pick<DaemonOptions, 'messages' | 'env'> = {},
  ) {
    this.child = spawn(program, args, {
      cwd,
      stdio: messages ? ['ignore', 'ignore', 'pipe', 'ipc'] : ['ignore', 'ignore', 'pipe'],
      env: { ...withoutSwarmVariables(), ...env },
    });
    const { stderr } = this.child;
    if (stderr !== null) createInterface({ input: stderr }).on('line', (line) => this.take(line));
    this.exited = new Promise((resolve) => {
      // `close` comes after the last line was read.
      this.child.once('close', (status, signal) => {
        this.exit = { status, signal };
        this.wake();
        resolve(this.exit);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The first line with this message that `match` accepts, now or later. Rejects when the process ends without it. */
  line(msg: string, match: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return this.awaited(`'${msg}'`, () => this.lines.find((line) => line.msg === msg && match(line)));
  }

  /** The first line that is no JSON object and matches, now or later. Rejects when the process ends without it. */
  said(pattern: RegExp): Promise<string> {
    return this.awaited(String(pattern), () => this.otherLines.find((line) => pattern.test(line)));
  }

  private async awaited<T>(what: string, find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.exit !== null) {
        const said = [...this.otherLines, ...this.lines.slice(-5).map((line) => JSON.stringify(line))].join(
          '\n',
        );
        throw new Error(`ended with ${JSON.stringify(this.exit)} without saying ${what}:\n${said}`);
      }
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  send(message: string): void {
    this.child.send(message);
  }

  /** The next message of the process. */
  message(): Promise<unknown> {
    return new Promise((resolve) => this.child.once('message', resolve));
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal);
  }

  /** Ends it in an orderly way and waits for that. */
  async stop(): Promise<Exit> {
    if (this.exit === null) this.kill();
    return this.exited;
  }

  private take(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      this.otherLines.push(line);
    }
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

/** One of the two executables as a real process. */
export class Daemon extends LoggingProcess {
  constructor(
    executable: 'swarm-coordinator' | 'swarm-agent',
    args: readonly string[],
    cwd: string,
    { nodeArgs = [], spawned, ...options }: DaemonOptions = {},
  ) {
    const script = join(PACKAGE_ROOT, 'bin', `${executable}.js`);
    super(...plainNode([...nodeArgs, script, ...args, '--log-format', 'json']), cwd, options);
    spawned?.(this);
  }
}

export function withoutSwarmVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SWARM_')));
}

/** A coordinator on a free port that is ready, and where it listens. */
export async function startCoordinator(
  cwd: string,
  args: readonly string[] = [],
  options: DaemonOptions = {},
): Promise<{ readonly daemon: Daemon; readonly address: string }> {
  const listen = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const http = args.includes('--http') ? [] : ['--no-http'];
  const daemon = new Daemon('swarm-coordinator', [...listen, ...http, ...args], cwd, options);
  const ready = await daemon.line('ready');
  return { daemon, address: String(ready['address']) };
}

/** An agent that is registered at `address`. */
export async function startAgent(
  cwd: string,
  address: string,
  id: string,
  args: readonly string[] = [],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const daemon = new Daemon('swarm-agent', ['--id', id, '--connect', address, ...args], cwd, options);
  await daemon.line('registered');
  return daemon;
}
