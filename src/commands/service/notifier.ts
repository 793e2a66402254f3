import type { Log } from '../../observe/log.js';

/** A running service says at most one new status in this time; the latest wins. */
const STATUS_INTERVAL_MS = 1000;
/** For what was sent last: a manager that does not read must not hold up the end of the process. */
const CLOSE_TIMEOUT_MS = 500;

/**
 * What a daemon tells the service manager that has started it (sd_notify(3)). Without one, every call does nothing. What
 * goes wrong is logged once and never stops the daemon.
 */
export interface Notifier {
  /** The start is complete: `READY=1`. From now on the watchdog is fed by the event loop. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** A reload begins: `RELOADING=1`; `ready` ends it. */
  reloading(): void;
  /** `STOPPING=1`. From now on only statuses and signs of life are sent: a reload that ends later is no news. */
  stopping(status: string): void;
  /** Sends what is left, and lets go of the socket: until then it keeps the process alive. */
  close(): Promise<void>;
}

/** A datagram socket as this file needs it. */
interface Datagrams {
  sendTo(
    bytes: Buffer,
    offset: number,
    length: number,
    path: string,
    done: (error: Error | undefined) => void,
  ): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): void;
}

/** Runs `run` with a notifier that is closed afterwards, however it ends. */
export async function withNotifier<T>(log: Log, run: (notifier: Notifier) => Promise<T>): Promise<T> {
  const notifier = await openNotifier(log, process.env);
  try {
    return await run(notifier);
  } finally {
    await notifier.close();
  }
}

/**
 * The notifier that the environment asks for: `NOTIFY_SOCKET` (a path, or `@` and an abstract name), `WATCHDOG_USEC` and
 * `WATCHDOG_PID` as systemd sets them.
 */
export async function openNotifier(log: Log, env: NodeJS.ProcessEnv): Promise<Notifier> {
  const address = env['NOTIFY_SOCKET'] ?? '';
  if (address === '') return silentNotifier;
  try {
    const path = socketPath(address);
    // Loaded only here: it is native, and not there on every system.
    const { DgramSocket } = await import('node-unix-socket');
    return new SystemdNotifier(log, path, () => new DgramSocket(), watchdogInterval(env));
  } catch (error) {
    logFailure(log, address, error);
    return silentNotifier;
  }
}

function socketPath(address: string): string {
  if (address.startsWith('/')) return address;
  if (address.startsWith('@') && address.length > 1) return `\0${address.slice(1)}`;
  throw new Error('NOTIFY_SOCKET is neither an absolute path nor @ and a name');
}

/** Half of the time within which systemd wants a sign of life (sd_watchdog_enabled(3)); null: it wants none of us. */
export function watchdogInterval(env: NodeJS.ProcessEnv): number | null {
  const pid = env['WATCHDOG_PID'] ?? '';
  if (pid !== '' && pid !== String(process.pid)) return null;
  const text = env['WATCHDOG_USEC'] ?? '';
  if (!/^\d{1,18}$/.test(text)) return null;
  const micros = Number(text);
  return micros === 0 ? null : Math.min(2 ** 31 - 1, Math.max(1, Math.floor(micros / 2000)));
}

function logFailure(log: Log, socket: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  log.warn({ socket, reason }, 'the service manager cannot be told of this process');
}

class SystemdNotifier implements Notifier {
  readonly #log: Log;
  readonly #path: string;
  readonly #open: () => Datagrams;
  readonly #watchdogMs: number | null;
  #socket: Datagrams | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #statusTimer: NodeJS.Timeout | null = null;
  #statusDue: string | null = null;
  #underWay = 0;
  #idle: (() => void) | null = null;
  #failed = false;
  #stopping = false;
  #closed = false;

  constructor(log: Log, path: string, open: () => Datagrams, watchdogMs: number | null) {
    this.#log = log;
    this.#path = path;
    this.#open = open;
    this.#watchdogMs = watchdogMs;
  }

  ready(status: string): void {
    if (this.#stopping) return;
    this.#send('READY=1', statusLine(status));
    if (this.#watchdogMs === null || this.#watchdog !== null) return;
    this.#send('WATCHDOG=1');
    this.#watchdog = setInterval(() => this.#send('WATCHDOG=1'), this.#watchdogMs);
  }

  status(text: string): void {
    if (this.#closed) return;
    this.#statusDue = text;
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = null;
      if (this.#statusDue !== null) this.#send(statusLine(this.#statusDue));
      this.#statusDue = null;
    }, STATUS_INTERVAL_MS).unref();
  }

  reloading(): void {
    if (this.#stopping) return;
    // CLOCK_MONOTONIC, which Node's high-resolution time is on Linux.
    const micros = process.hrtime.bigint() / 1000n;
    this.#send('RELOADING=1', `MONOTONIC_USEC=${String(micros)}`, statusLine('reloading'));
  }

  stopping(status: string): void {
    this.#stopping = true;
    this.#statusDue = null;
    this.#send('STOPPING=1', statusLine(status));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    if (this.#statusTimer !== null) clearTimeout(this.#statusTimer);
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#socket?.close();
    this.#socket = null;
  }

  #send(...assignments: readonly string[]): void {
    if (this.#closed) return;
    const bytes = Buffer.from(assignments.join('\n'));
    try {
      this.#socket ??= this.#opened();
      this.#socket.sendTo(bytes, 0, bytes.length, this.#path, (error) => this.#sent(error));
      this.#underWay++;
    } catch (error) {
      this.#fail(error);
    }
  }

  #sent(error: Error | undefined): void {
    this.#underWay--;
    if (error !== undefined) this.#fail(error);
    if (this.#underWay === 0) this.#idle?.();
  }

  #opened(): Datagrams {
    const socket = this.#open();
    socket.on('error', (error) => {
      // It has closed itself; the next message opens another one. Those under way are answered by nobody.
      if (this.#socket === socket) this.#socket = null;
      this.#underWay = 0;
      this.#idle?.();
      this.#fail(error);
    });
    return socket;
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    logFailure(this.#log, this.#path.replace('\0', '@'), error);
  }
}

function statusLine(text: string): string {
  return `STATUS=${text.replaceAll('\n', ' ')}`;
}

const silentNotifier: Notifier = {
  ready: () => undefined,
  status: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  close: () => Promise.resolve(),
};
