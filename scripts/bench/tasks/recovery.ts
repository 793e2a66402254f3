import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { v7 as uuidv7 } from 'uuid';
import { Agent, connectQuic, encodeValue, type AgentOptions } from '../../../src/index.js';
import type { StoreOp } from '../../../src/store/store.js';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import { Daemon, startCoordinator } from '../../lib/daemons.js';
import { peakResidentBytes } from '../../lib/memory.js';
import { withDeadline } from '../lib/deadline.js';
import { INPUT_BYTES } from './contenders/contender.js';
import type { Plan } from './options.js';
import type { RecoveryResult } from './results.js';

const SUBMITS_PER_COMMIT = 5000;
const AGENT_CREDIT = 1024;
/** While this part of the tasks is done, inputs come from the disk and memory shows what it takes. */
const SHARE_DONE = 0.02;
const DEADLINE_MS = 120_000;
const DAY_MS = 24 * 3_600_000;

/**
 * Fills a data directory with queued tasks, starts the real coordinator on it beside an agent that waits for it, and
 * takes the time until the agent has its first task.
 */
export async function measureRecovery({ recoveryTasks }: Plan): Promise<RecoveryResult> {
  const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-bench-'));
  const daemons: Daemon[] = [];
  try {
    // The first one makes the certificates and finds a free port.
    const { daemon: first, address } = await startCoordinator(directory);
    await first.stop();
    process.stderr.write(`  queueing ${recoveryTasks} tasks\n`);
    await queueTasks(join(directory, 'swarm-data'), recoveryTasks);

    process.stderr.write('  starting the coordinator\n');
    const ca = await readFile(join(directory, 'certs', 'ca.crt'), 'utf8');
    const runner = new CountingRunner(Math.max(1, Math.floor(recoveryTasks * SHARE_DONE)));
    const connector = connectQuic({ tls: { ca } });
    const agent = new Agent({
      agentId: 'recovery-1',
      agentType: 'worker',
      concurrency: AGENT_CREDIT,
      addresses: [address],
      connector: (to) => connector.connect(to),
      runner,
      // So that the time measured is the coordinator's.
      reconnectMaxMs: 100,
    });
    agent.start();
    const startedAt = performance.now();
    const daemon = new Daemon('swarm-coordinator', ['--listen', address, '--no-http'], directory);
    daemons.push(daemon);
    await daemon.line('ready');
    const firstAt = await withDeadline(runner.first, DEADLINE_MS, 'the first task after a restart');
    await withDeadline(runner.done, DEADLINE_MS, 'tasks after a restart');
    const residentBytes = peakResidentBytes(daemon.pid);
    if (residentBytes === null) throw new Error('this system does not say how much memory a process has');
    await agent.close();
    await connector.close();
    return {
      queuedTasks: recoveryTasks,
      firstDispatchS: (firstAt - startedAt) / 1000,
      residentBytes,
      tasksDone: runner.count,
    };
  } finally {
    for (const daemon of daemons) await daemon.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Writes queued tasks as a coordinator would have, in large steps. */
async function queueTasks(directory: string, count: number): Promise<void> {
  const store = await openSqliteStore({ directory, durability: 'normal' });
  try {
    const input = encodeValue({ function: 'echo', input: 'e'.repeat(INPUT_BYTES) });
    for (let done = 0; done < count; done += SUBMITS_PER_COMMIT) {
      const length = Math.min(SUBMITS_PER_COMMIT, count - done);
      await store.commit(Array.from({ length }, () => submitOf(input, Date.now())));
    }
  } finally {
    await store.close();
  }
}

function submitOf(input: Uint8Array, now: number): StoreOp {
  const spec = {
    taskId: uuidv7({ msecs: now }),
    kind: 'compute',
    priority: 5,
    timeoutMs: DAY_MS,
    maxAttempts: 3,
    idempotencyKey: null,
    keyHeldUntil: null,
    affinity: null,
    submittedAt: now,
  };
  return { op: 'submit', spec, input, notBefore: null };
}

/** Gives every task its input back and notes when the first came, and when enough have. */
class CountingRunner {
  readonly ownKinds: readonly string[] = [];
  count = 0;
  readonly first: Promise<number>;
  readonly done: Promise<void>;
  readonly #wanted: number;
  #tellFirst: (at: number) => void = () => undefined;
  #tellDone: () => void = () => undefined;

  constructor(wanted: number) {
    this.#wanted = wanted;
    this.first = new Promise((resolve) => (this.#tellFirst = resolve));
    this.done = new Promise((resolve) => (this.#tellDone = resolve));
  }

  readonly start: AgentOptions['runner']['start'] = ({ payload }, listener) => {
    if (this.count === 0) this.#tellFirst(performance.now());
    if (++this.count === this.#wanted) this.#tellDone();
    queueMicrotask(() => listener.finished({ outcome: 'completed', payload, runMs: 0, summary: null }));
    return { abort: () => undefined, terminate: () => undefined };
  };
}
