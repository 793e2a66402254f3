import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, connectQuic } from '../../../../src/index.js';
import { startAgent, startCoordinator } from '../../../lib/daemons.js';
import { withDeadline } from '../../lib/deadline.js';
import type { LoopDelay, ProbeRequest } from '../event-loop-probe.js';
import { WORKER_CREDIT, type Contender } from './contender.js';

const PROBE = new URL('../event-loop-probe.js', import.meta.url);
const PROBE_DEADLINE_MS = 10_000;

export interface SwarmContender extends Contender {
  startMeasuringLoop(): void;
  /** Since `startMeasuringLoop`. */
  loopDelay(): Promise<LoopDelay>;
}

/**
 * The two executables as an operator starts them, with their defaults: a coordinator that has everything on disk before
 * it acknowledges, and one agent that gives credit for all tasks under way.
 */
export async function startQuicSwarm(directory: string): Promise<SwarmContender> {
  const { daemon: coordinator, address } = await startCoordinator(directory, ['--durability', 'full'], {
    nodeArgs: ['--import', PROBE.href],
    messages: true,
  });
  const agent = await startAgent(directory, address, 'bench-1', ['--concurrency', String(WORKER_CREDIT)]);
  const connector = connectQuic({
    tls: { ca: await readFile(join(directory, 'certs', 'ca.crt'), 'utf8') },
  });
  const client = await Client.connect({
    addresses: [address],
    connector: (to) => connector.connect(to),
    maxUnacknowledged: WORKER_CREDIT,
  });
  const ask = (request: ProbeRequest) => coordinator.send(request);
  return {
    async run(input) {
      const { state, result } = await client.run({ kind: 'compute', input: { function: 'echo', input } });
      if (state !== 'completed') throw new Error(`a task ended ${state}`);
      return String(result);
    },
    startMeasuringLoop: () => ask('start'),
    async loopDelay() {
      const answer = coordinator.message();
      ask('read');
      return parseLoopDelay(await withDeadline(answer, PROBE_DEADLINE_MS, 'the coordinator'));
    },
    async close() {
      client.close();
      await connector.close();
      await agent.stop();
      await coordinator.stop();
    },
  };
}

function parseLoopDelay(message: unknown): LoopDelay {
  if (typeof message === 'object' && message !== null && 'p99Ms' in message && 'maxMs' in message) {
    const { p99Ms, maxMs } = message;
    if (typeof p99Ms === 'number' && typeof maxMs === 'number') return { p99Ms, maxMs };
  }
  throw new Error('the coordinator did not say the delay of its event loop');
}
