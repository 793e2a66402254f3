import { open } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import type { Log } from '../../observe/log.js';
import type { Setting, Settings } from '../../tasks/tuning.js';
import type { SettingsByKind } from '../settings.js';
import { codeOf } from './errors.js';
import { setAside } from './set-aside.js';
import { Trouble } from './trouble.js';

/** What an agent comes back with. */
export interface StoredSession {
  /** Which coordinator gave the token; for people. */
  readonly coordinatorId: string;
  /** Proves the session; a secret. */
  readonly sessionToken: string;
}

/** Keeps TLS session tickets by server (`HOST:PORT`); fits the transport's `TicketStorage`. */
export interface TicketFile {
  load(server: string): Uint8Array | null;
  /** Null: the ticket is of no use any more. Written soon, not now. */
  save(server: string, ticket: Uint8Array | null): void;
}

const VERSION = 1;
/** Bounds of what is believed of a file. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_TOKEN = 256;
const MAX_COORDINATOR_ID = 128;
const MAX_SERVERS = 64;
const MAX_KINDS = 64;
const MAX_SETTINGS = 64;
const MAX_TICKET_BYTES = 8 * 1024;
/** Tickets come in twos and nobody waits for them. */
const TICKET_DELAY_MS = 200;
/** An agent waits no longer for its disk before it goes on with a token that is only in memory. */
const SAVE_PATIENCE_MS = 2000;

interface Contents {
  readonly session: StoredSession | null;
  readonly settings: SettingsByKind;
  readonly tickets: ReadonlyMap<string, Uint8Array>;
}

const NOTHING: Contents = { session: null, settings: {}, tickets: new Map() };

/**
 * Session token and TLS tickets in one small file, replaced as a whole (mode 0600). Not synced to the disk: it outlives
 * the process, and after a loss of power a damaged or old one costs a new session, no more.
 */
export class SessionFile {
  readonly #path: string;
  readonly #trouble: Trouble;
  #session: StoredSession | null;
  #settings: SettingsByKind;
  readonly #tickets: Map<string, Uint8Array>;
  /** What is in memory is newer than what is written or being written. */
  #changed = false;
  #writing: Promise<void> | null = null;
  #ticketTimer: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(path: string, log: Log, { session, settings, tickets }: Contents) {
    this.#path = path;
    this.#trouble = new Trouble(log, { path });
    this.#session = session;
    this.#settings = settings;
    this.#tickets = new Map(tickets);
  }

  /** Reads the file; a damaged one is set aside with a warning. */
  static async open(path: string, log: Log): Promise<SessionFile> {
    const text = await readShort(path);
    if (text === null) return new SessionFile(path, log, NOTHING);
    const contents = parse(text);
    if (contents !== null) return new SessionFile(path, log, contents);
    await setAside(path, 'it is no session of an agent; the agent begins a new one', log);
    return new SessionFile(path, log, NOTHING);
  }

  get session(): StoredSession | null {
    return this.#session;
  }

  get settings(): SettingsByKind {
    return this.#settings;
  }

  readonly tickets: TicketFile = {
    load: (server) => this.#tickets.get(server) ?? null,
    save: (server, ticket) => this.#saveTicket(server, ticket),
  };

  /** Resolves when it is written, or when that failed or takes too long (said in the log): the caller goes on. */
  async save(session: StoredSession | null): Promise<void> {
    if (this.#closed || (session === null && this.#session === null)) return;
    this.#session = session;
    await this.#written();
  }

  /** As `save`. */
  async saveSettings(settings: SettingsByKind): Promise<void> {
    if (this.#closed) return;
    if (Object.keys(settings).length === 0 && Object.keys(this.#settings).length === 0) return;
    this.#settings = settings;
    await this.#written();
  }

  /** Writes what has changed, and waits for that no longer than patience has it. */
  async #written(): Promise<void> {
    this.#changed = true;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, SAVE_PATIENCE_MS)));
    await Promise.race([this.#write(), patience]);
    clearTimeout(timer);
  }

  /** Writes what is not yet written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ticketTimer !== null) clearTimeout(this.#ticketTimer);
    await this.#write();
    this.#trouble.stop();
  }

  #saveTicket(server: string, ticket: Uint8Array | null): void {
    if (this.#closed) return;
    if (ticket === null) {
      if (!this.#tickets.delete(server)) return;
    } else {
      if (ticket.byteLength > MAX_TICKET_BYTES) return;
      this.#tickets.delete(server);
      this.#tickets.set(server, Uint8Array.from(ticket));
      for (const oldest of this.#tickets.keys()) {
        if (this.#tickets.size <= MAX_SERVERS) break;
        this.#tickets.delete(oldest);
      }
    }
    this.#changed = true;
    this.#ticketTimer ??= setTimeout(() => {
      this.#ticketTimer = null;
      void this.#write();
    }, TICKET_DELAY_MS).unref();
  }

  /** One write at a time, each of the newest there is. Resolves when nothing newer is left, or it failed. */
  #write(): Promise<void> {
    if (this.#writing === null && !this.#changed) return Promise.resolve();
    return (this.#writing ??= this.#writeNewest());
  }

  async #writeNewest(): Promise<void> {
    while (this.#changed && (await this.#writeOnce()));
    // In the same turn as the last look at `#changed`: what changes from now on begins a new write.
    this.#writing = null;
  }

  /** False when it failed; a timer tries again. */
  async #writeOnce(): Promise<boolean> {
    this.#changed = false;
    try {
      await writeFileAtomic(this.#path, this.#text(), { mode: 0o600, fsync: false });
      this.#trouble.over('the session of the agent is on disk again');
      return true;
    } catch (error) {
      this.#changed = true;
      this.#trouble.happened(
        error,
        'the session of the agent cannot be written: after a crash it begins a new one',
        () => void this.#write(),
      );
      return false;
    }
  }

  #text(): string {
    const tickets = Object.fromEntries(
      [...this.#tickets].map(([server, ticket]) => [server, Buffer.from(ticket).toString('base64')]),
    );
    return `${JSON.stringify({ version: VERSION, session: this.#session, settings: this.#settings, tickets })}\n`;
  }
}

/** Null when there is none; a file that is too long is cut, and so no longer what it should be. */
async function readShort(path: string): Promise<string | null> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, MAX_FILE_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function parse(text: string): Contents | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value['version'] !== VERSION) return null;
  const session = parseSession(value['session']);
  const tickets = parseTickets(value['tickets']);
  const settings = parseSettings(value['settings']);
  return session === undefined || tickets === null ? null : { session, settings, tickets };
}

/** What is not as it should be is left out: whether the values fit their kinds is for others to say. */
function parseSettings(value: unknown): SettingsByKind {
  if (!isRecord(value)) return {};
  const byKind: [string, Settings][] = [];
  for (const [kind, settings] of Object.entries(value).slice(0, MAX_KINDS)) {
    if (!isRecord(settings)) continue;
    const own: [string, Setting][] = [];
    for (const [name, setting] of Object.entries(settings).slice(0, MAX_SETTINGS)) {
      if (isSetting(setting)) own.push([name, setting]);
    }
    byKind.push([kind, Object.fromEntries(own)]);
  }
  return Object.fromEntries(byKind);
}

function isSetting(value: unknown): value is Setting {
  return value === null || ['number', 'string', 'boolean'].includes(typeof value);
}

function parseSession(value: unknown): StoredSession | null | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { coordinatorId, sessionToken } = value;
  if (!isText(coordinatorId, MAX_COORDINATOR_ID) || !isText(sessionToken, MAX_TOKEN)) return undefined;
  return { coordinatorId, sessionToken };
}

function parseTickets(value: unknown): Map<string, Uint8Array> | null {
  if (!isRecord(value)) return null;
  const tickets = new Map<string, Uint8Array>();
  for (const [server, text] of Object.entries(value).slice(0, MAX_SERVERS)) {
    if (!isText(text, MAX_TICKET_BYTES * 2)) return null;
    tickets.set(server, new Uint8Array(Buffer.from(text, 'base64')));
  }
  return tickets;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest;
}
