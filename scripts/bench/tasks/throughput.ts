import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleave, type Slice } from '../lib/rounds.js';
import { latency, median } from '../lib/statistics.js';
import { startBullmq } from './contenders/bullmq.js';
import type { Contender } from './contenders/contender.js';
import { startJetstream } from './contenders/jetstream.js';
import { startQuicSwarm } from './contenders/quic-swarm.js';
import type { LoopDelay } from './event-loop-probe.js';
import { flood, runInTurn } from './load.js';
import type { Plan } from './options.js';
import type { AllTasksResults, TasksResult } from './results.js';

/** What one contender did so far. */
class Measured {
  readonly #perSecond: number[] = [];
  readonly #samplesMs: number[] = [];

  constructor(
    readonly name: string,
    readonly contender: Contender,
  ) {}

  async flood(plan: Plan): Promise<void> {
    this.#perSecond.push(await flood(this.contender, plan.inFlight, plan.floodMs));
  }

  async runInTurn(plan: Plan): Promise<void> {
    for (const ms of await runInTurn(this.contender, plan.tasksPerRound)) this.#samplesMs.push(ms);
  }

  result(): TasksResult {
    return { perSecond: median(this.#perSecond), ...latency(this.#samplesMs) };
  }
}

/** Durable tasks through the swarm and, where their servers are installed, through its peers, in turns. */
export async function measureTasks(plan: Plan): Promise<AllTasksResults> {
  const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-bench-'));
  const closers: (() => Promise<void>)[] = [];
  const start = async <T extends Contender | null>(
    name: string,
    startIn: (directory: string) => Promise<T>,
  ): Promise<T> => {
    const own = await mkdtemp(join(directory, `${name}-`));
    const contender = await startIn(own);
    if (contender !== null) closers.unshift(() => contender.close());
    return contender;
  };
  try {
    const swarm = await start('quic-swarm', startQuicSwarm);
    const peers = {
      bullmq: await start('bullmq', startBullmq),
      jetstream: await start('jetstream', startJetstream),
    };
    const quicSwarm = new Measured('quic-swarm', swarm);
    const bullmq = peers.bullmq === null ? null : new Measured('BullMQ', peers.bullmq);
    const jetstream = peers.jetstream === null ? null : new Measured('JetStream', peers.jetstream);
    const all = [quicSwarm, bullmq, jetstream].filter((measured) => measured !== null);

    for (const { contender, name } of all) {
      process.stderr.write(`  warming up ${name}\n`);
      await flood(contender, plan.inFlight, plan.warmUpMs);
    }
    const delays: LoopDelay[] = [];
    const floodOf =
      (measured: Measured): Slice =>
      async () => {
        if (measured !== quicSwarm) return measured.flood(plan);
        swarm.startMeasuringLoop();
        await measured.flood(plan);
        delays.push(await swarm.loopDelay());
      };
    process.stderr.write('  throughput\n');
    await interleave(plan.floodRounds, all.map(floodOf));

    process.stderr.write('  latency\n');
    for (const { contender } of all) await runInTurn(contender, plan.warmUpTasks);
    await interleave(
      plan.latencyRounds,
      all.map((measured) => () => measured.runInTurn(plan)),
    );
    return {
      quicSwarm: { ...quicSwarm.result(), eventLoopDelay: worst(delays) },
      bullmq: bullmq?.result() ?? null,
      jetstream: jetstream?.result() ?? null,
    };
  } finally {
    for (const close of closers) await close();
    await rm(directory, { recursive: true, force: true });
  }
}

function worst(delays: readonly LoopDelay[]): LoopDelay {
  return {
    p99Ms: Math.max(...delays.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...delays.map(({ maxMs }) => maxMs)),
  };
}
