import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, EXIT } from '../../src/commands/exit.js';
import { Client, connectQuic } from '../../src/index.js';
import type { AgentType } from '../../src/protocol/messages.js';
import { PACKAGE_ROOT, startAgent, startCoordinator, type Daemon } from '../lib/daemons.js';

/** One agent of each type; the worker, which takes everything, is not needed then. */
const TYPES = [
  'pattern',
  'strategy',
  'feature',
  'neural',
  'reasoning',
] as const satisfies readonly AgentType[];
/** What is cancelled may be under way when all is stopped. */
const DRAIN = ['--drain-timeout', '2s'];
const JUDGE = ['--handlers', join(PACKAGE_ROOT, 'scripts', 'demo', 'judge.mjs')];

export interface DemoSwarm {
  readonly client: Client;
  readonly address: string;
  readonly coordinatorPid: number;
  readonly agentIds: readonly string[];
}

/** Starts a coordinator and five agents as processes, lets `use` work with them, and stops them all, whatever happens. */
export async function withSwarm(
  directory: string,
  signal: AbortSignal,
  use: (swarm: DemoSwarm) => Promise<void>,
): Promise<void> {
  const daemons: Daemon[] = [];
  const options = { spawned: (daemon: Daemon) => void daemons.push(daemon) };
  try {
    const { daemon, address } = await unlessAborted(signal, startCoordinator(directory, DRAIN, options));
    await unlessAborted(
      signal,
      Promise.all(TYPES.map((type) => startAgent(directory, address, idOf(type), agentArgs(type), options))),
    );
    const connector = connectQuic({
      tls: { ca: await readFile(join(directory, 'certs', 'ca.crt'), 'utf8') },
    });
    try {
      const client = await Client.connect({
        addresses: [address],
        connector: (to) => connector.connect(to),
      });
      try {
        const agentIds = TYPES.map(idOf);
        await Promise.race([
          use({ client, address, coordinatorPid: daemon.pid, agentIds }),
          ...daemons.map((started) => endOf(started, signal)),
        ]);
      } finally {
        client.close();
      }
    } finally {
      await connector.close();
    }
  } finally {
    // the coordinator last: agents give back what they have not finished
    const [coordinator, ...agents] = daemons;
    await Promise.all(agents.map((agent) => agent.stop()));
    await coordinator?.stop();
  }
}

function idOf(type: AgentType): string {
  return `${type}-1`;
}

function agentArgs(type: AgentType): string[] {
  return ['--type', type, '--concurrency', '2', ...DRAIN, ...(type === 'reasoning' ? JUDGE : [])];
}

class ProcessEnded extends CommandError {
  readonly status = EXIT.failed;
}

/** Rejects when the process has ended: nobody would do what it is there for. */
async function endOf({ exited, pid }: Daemon, signal: AbortSignal): Promise<never> {
  const { status, signal: killed } = await exited;
  // an interrupt from the keyboard goes to all processes
  signal.throwIfAborted();
  throw new ProcessEnded(`process ${pid} of the swarm has ended (${killed ?? `status ${String(status)}`})`);
}

/** What the promise brings, or the signal's reason if that comes first. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
