import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Client, connectQuic } from '../../../src/index.js';
import { startAgent, startCoordinator } from '../../lib/daemons.js';
import { latency } from '../lib/statistics.js';
import type { Context } from './context.js';
import type { Results } from './results.js';

/** Three processes compile their hot paths first; a daemon that runs for weeks does so once. */
const WARM_UP_TASKS = 4000;

/**
 * From the submit of a `compute echo` to its result, one task at a time: a coordinator and an agent as real processes,
 * the client in this one.
 */
export async function measureSubmit({ plan }: Context): Promise<Results> {
  const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-bench-'));
  const { daemon: coordinator, address } = await startCoordinator(directory);
  const agent = await startAgent(directory, address, 'agent-1');
  const ca = await readFile(join(directory, 'certs', 'ca.crt'), 'utf8');
  const connector = connectQuic({ tls: { ca } });
  const client = await Client.connect({ addresses: [address], connector: (to) => connector.connect(to) });
  try {
    const samplesMs: number[] = [];
    const input = 'e'.repeat(256);
    for (let i = 0; i < WARM_UP_TASKS + plan.submits; i++) {
      const startedAt = performance.now();
      const { result } = await client.run({ kind: 'compute', input: { function: 'echo', input } });
      const elapsedMs = performance.now() - startedAt;
      if (result !== input) throw new Error('a result differs from its input');
      if (i >= WARM_UP_TASKS) samplesMs.push(elapsedMs);
    }
    return { submit: latency(samplesMs) };
  } finally {
    client.close();
    await connector.close();
    await agent.stop();
    await coordinator.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
