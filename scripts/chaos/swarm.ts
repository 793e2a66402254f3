import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, connectQuic } from '../../src/index.js';
import { LossyProxy } from '../../test/support/lossy-proxy.js';
import { Daemon, startCoordinator } from '../lib/daemons.js';
import { ClockJumps } from './clock-jumps.js';
import { SmallDisk } from './disk.js';
import { EXECUTIONS_VARIABLE } from './handlers.js';
import { Supervised } from './supervised.js';

const AGENTS = 8;
const HANDLERS = fileURLToPath(new URL('./handlers.js', import.meta.url));
const STOP_PATIENCE_MS = 15_000;
/** A client insists for so long before it tells its caller. */
const REATTACH_MS = 60_000;

/** Short, so that faults are longer than they are. */
export const HEARTBEAT_MS = 1000;
export const SESSION_GRACE_MS = 5000;

// prettier-ignore
const COORDINATOR_ARGS = [
  '--heartbeat-interval', `${HEARTBEAT_MS}ms`, '--session-grace', `${SESSION_GRACE_MS}ms`,
  '--idle-timeout', '15s', '--keep-alive', '2s',
];
const AGENT_ARGS = ['--concurrency', '8', '--reconnect-max', '2s'];

/** A coordinator, eight agents and a client, with everything between and under them that can fail. */
export interface ChaosSwarm {
  readonly coordinator: Supervised;
  readonly agents: readonly Supervised[];
  /** The way of all agents, and that of the client. */
  readonly agentPath: LossyProxy;
  readonly clientPath: LossyProxy;
  readonly client: Client;
  readonly disk: SmallDisk | { readonly why: string };
  readonly clock: ClockJumps | { readonly why: string };
  readonly dataDirectory: string;
  readonly executionsDirectory: string;
  /** Ends every process in an orderly way; the files stay. */
  stop(): Promise<void>;
}

/** Undoes everything that was begun, the latest first; what was undone already does no harm. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.unshift(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        process.stderr.write(`  cleaning up: ${String(error)}\n`);
      }
    }
  }
}

export async function startSwarm(seed: number, cleanup: Cleanup): Promise<ChaosSwarm> {
  const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-chaos-'));
  cleanup.add(() => rm(directory, { recursive: true, force: true }));
  const dataDirectory = join(directory, 'data');
  const executionsDirectory = join(directory, 'executions');
  for (const folder of [dataDirectory, executionsDirectory]) await mkdir(folder);
  const disk = await SmallDisk.mount(dataDirectory);
  if (disk instanceof SmallDisk) cleanup.add(() => disk.unmount());
  const clock = await ClockJumps.prepare(join(directory, 'time'));

  const args = ['--data-dir', dataDirectory, ...COORDINATOR_ARGS];
  const address = await findAddress(directory, args);
  const startOne = () =>
    new Daemon('swarm-coordinator', ['--listen', address, '--no-http', ...args], directory, {
      env: clock instanceof ClockJumps ? clock.env : {},
    });
  const coordinator = new Supervised('coordinator', startOne);
  cleanup.add(() => coordinator.stop(STOP_PATIENCE_MS));
  const agentPath = await LossyProxy.listen({ target: address, seed });
  cleanup.add(() => agentPath.close());
  const clientPath = await LossyProxy.listen({ target: address, seed: seed + 1 });
  cleanup.add(() => clientPath.close());

  const agents = Array.from({ length: AGENTS }, (_, index) => {
    const name = `agent-${index + 1}`;
    const agentArgs = [
      ...['--id', name, '--connect', agentPath.address, '--handlers', HANDLERS],
      ...['--state-dir', join(directory, 'agents'), ...AGENT_ARGS],
    ];
    const agent = new Supervised(
      name,
      () =>
        new Daemon('swarm-agent', agentArgs, directory, {
          env: { [EXECUTIONS_VARIABLE]: executionsDirectory },
        }),
    );
    cleanup.add(() => agent.stop(STOP_PATIENCE_MS));
    return agent;
  });

  const connector = connectQuic({ tls: { ca: await readFile(join(directory, 'certs', 'ca.crt'), 'utf8') } });
  cleanup.add(() => connector.close());
  const client = new Client({
    addresses: [clientPath.address],
    connector: (to) => connector.connect(to),
    reattachTimeoutMs: REATTACH_MS,
  });
  cleanup.add(() => client.close());
  return {
    coordinator,
    agents,
    agentPath,
    clientPath,
    client,
    disk,
    clock,
    dataDirectory,
    executionsDirectory,
    async stop() {
      client.close();
      await Promise.all(agents.map((agent) => agent.stop(STOP_PATIENCE_MS)));
      await coordinator.stop(STOP_PATIENCE_MS);
    },
  };
}

/** A first coordinator makes the certificates and finds a free port, which all later ones use. */
async function findAddress(directory: string, args: readonly string[]): Promise<string> {
  const { daemon, address } = await startCoordinator(directory, args);
  await daemon.stop();
  return address;
}
