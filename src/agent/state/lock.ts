import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentStateError, codeOf } from './errors.js';
import { removeFile } from './remove-file.js';

/** A process, so that no other one is taken for it: a process id alone is used again after a while. */
interface Owner {
  readonly pid: number;
  /** When it started, as its system counts; 0 where that cannot be told of another process. */
  readonly start: string;
  /** Boot and process-id namespace it lives in, as a short hash: process ids mean nothing outside. */
  readonly host: string;
}

const LOCK_NAME = /^lock\.(\d{1,10})\.(\d{1,20})\.([0-9a-f]{8})$/;
/** Two that begin at the same time both stand back and try again, after a random pause of at most this. */
const CONTENTION_PAUSE_MS = 30;
const CONTENTION_ROUNDS = 4;

/**
 * Makes this process the one that uses a directory. The lock of a process that is gone, however it ended, does not
 * hold. Resolves with what gives the lock back.
 *
 * The lock is an empty file whose name is its owner. Each contender first makes its own file and then looks for others:
 * of two, at least the one that looks last sees the other, so never both go on; and a file of a dead owner may be removed
 * by anybody at any time, since that very owner never comes back. A lock that is taken over by renaming or unlinking
 * one common file has no such moment.
 * @throws AgentStateError naming the process that has it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const self = ownIdentity();
  const path = join(directory, nameOf(self));
  for (let round = 1; ; round++) {
    await create(directory, path, self);
    const other = await findOther(directory, self);
    if (other === null) return () => removeFile(path);
    await removeFile(path);
    if (round === CONTENTION_ROUNDS) throw inUse(directory, other.pid);
    await sleep(Math.random() * CONTENTION_PAUSE_MS);
  }
}

async function create(directory: string, path: string, self: Owner): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw inUse(directory, self.pid);
    throw error;
  }
}

/** A living owner beside this process; the locks of dead ones are removed on the way. */
async function findOther(directory: string, self: Owner): Promise<Owner | null> {
  const own = nameOf(self);
  for (const name of await readdir(directory)) {
    const match = LOCK_NAME.exec(name);
    if (match === null || name === own) continue;
    const [, pid = '', start = '', host = ''] = match;
    const owner = { pid: Number(pid), start, host };
    if (isAlive(owner, self)) return owner;
    await removeFile(join(directory, name));
  }
  return null;
}

function inUse(directory: string, pid: number): AgentStateError {
  const who = pid === process.pid ? `this process (${String(pid)})` : `process ${String(pid)}`;
  return new AgentStateError(
    directory,
    `in use by ${who}: each agent that runs needs an id or a state directory of its own`,
  );
}

function nameOf({ pid, start, host }: Owner): string {
  return `lock.${String(pid)}.${start}.${host}`;
}

/** A process of another boot or container cannot be asked; a lock that it left would hold for ever. */
function isAlive(owner: Owner, self: Owner): boolean {
  if (owner.host !== self.host) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if (codeOf(error) === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  return startOf(owner.pid) === owner.start;
}

let identity: Owner | null = null;

function ownIdentity(): Owner {
  return (identity ??= {
    pid: process.pid,
    start: (process.platform === 'linux' ? startOf(process.pid) : null) ?? '0',
    host: createHash('sha256').update(hostIdentity()).digest('hex').slice(0, 8),
  });
}

function hostIdentity(): string {
  if (process.platform !== 'linux') return hostname();
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Start of a process in clock ticks since boot (proc_pid_stat(5), field 22); null when it is gone or only not yet reaped. */
function startOf(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name of the program, in parentheses, may hold anything: the fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
}
