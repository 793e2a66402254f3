import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../files/make-directory.js';
import type { Log } from '../../observe/log.js';
import type { Outbox } from '../outbox.js';
import type { SettingsByKind } from '../settings.js';
import { DurableOutbox } from './durable-outbox.js';
import { fileError } from './errors.js';
import { folderName } from './folder-name.js';
import { lockDirectory } from './lock.js';
import { SessionFile, type StoredSession, type TicketFile } from './session-file.js';

/** Of the state of an agent on disk. */
export interface AgentStateOptions {
  /** Holds one folder for each agent; made when missing. */
  readonly directory: string;
  readonly agentId: string;
  readonly log: Log;
}

/** What an agent keeps on disk, so that it comes back after a crash as the one it was. */
export interface AgentState {
  /** The agent's own folder. */
  readonly path: string;
  /** Results that the coordinator has not acknowledged, those of an earlier process among them. */
  readonly outbox: Outbox;
  /** The session to resume, or null. */
  readonly session: StoredSession | null;
  /**
   * Resolves when the session is on disk: only then may the agent speak under the new token, because with its first word
   * the coordinator forgets the old one. Never rejects: when it cannot be written, that is said in the log.
   */
  saveSession(session: StoredSession | null): Promise<void>;
  /** Defaults for parameters of tasks that the coordinator of that session has asked for. */
  readonly settings: SettingsByKind;
  /** As `saveSession`. */
  saveSettings(settings: SettingsByKind): Promise<void>;
  /** TLS session tickets by address of the coordinator. */
  readonly tickets: TicketFile;
  /** Writes what is not yet written and gives the folder back. */
  close(): Promise<void>;
}

/**
 * Opens the state of an agent, and keeps every other process and agent from opening it until it is closed or this
 * process is gone.
 * @throws AgentStateError with one line: the directory cannot be used, or another process has it.
 */
export async function openAgentState(options: AgentStateOptions): Promise<AgentState> {
  const { directory, agentId, log } = options;
  const path = join(directory, folderName(agentId));
  try {
    await makePrivate(path);
    const unlock = await lockDirectory(path);
    try {
      const session = await SessionFile.open(join(path, 'session.json'), log);
      const outbox = await DurableOutbox.open(join(path, 'outbox.journal'), log);
      return new OpenState(path, session, outbox, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

class OpenState implements AgentState {
  readonly path: string;
  readonly outbox: DurableOutbox;
  readonly #session: SessionFile;
  readonly #unlock: () => Promise<void>;

  constructor(path: string, session: SessionFile, outbox: DurableOutbox, unlock: () => Promise<void>) {
    this.path = path;
    this.outbox = outbox;
    this.#session = session;
    this.#unlock = unlock;
  }

  get session(): StoredSession | null {
    return this.#session.session;
  }

  get tickets(): TicketFile {
    return this.#session.tickets;
  }

  saveSession(session: StoredSession | null): Promise<void> {
    return this.#session.save(session);
  }

  get settings(): SettingsByKind {
    return this.#session.settings;
  }

  saveSettings(settings: SettingsByKind): Promise<void> {
    return this.#session.saveSettings(settings);
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.outbox.close()]);
    await this.#unlock();
  }
}

/** Others must not read the secrets in it, whatever the process's umask and whoever made the folder. */
async function makePrivate(path: string): Promise<void> {
  const made = makeDirectory(path, 0o700);
  // what was just made has no more rights than that
  if (!made && process.platform !== 'win32') await chmod(path, 0o700);
}
