import { Queue, QueueEvents } from 'bullmq';
import { Child } from '../../lib/child.js';
import { parseReady, type WorkerTask } from './worker-task.js';
import type { Contender } from './contender.js';
import { Pending } from './pending.js';
import { findProgram, freePort, ServerProcess } from './server-process.js';

export const QUEUE = 'tasks';
/** Finished jobs that stay in Redis, so that memory does not grow over the run. */
const KEPT_JOBS = 10_000;
/** Several of them for each job: the default of 10,000 would drop some of a full pipeline's before they are read. */
const KEPT_EVENTS = 200_000;

/**
 * BullMQ on a Redis of its own that appends to its log and syncs it every second. Jobs that are submitted in one turn
 * of the event loop go in one `addBulk`, its fastest way. Null when there is no redis-server.
 */
export async function startBullmq(directory: string): Promise<Contender | null> {
  const program = findProgram('redis-server');
  if (program === null) return null;
  const port = await freePort();
  const redis = await ServerProcess.start(
    program,
    [
      ...['--bind', '127.0.0.1', '--port', String(port)],
      ...['--dir', directory, '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'],
    ],
    /Ready to accept connections/,
  );
  const connection = { host: '127.0.0.1', port };
  const task: WorkerTask = { port };
  const workers = await Child.start(
    new URL('./bullmq-worker.js', import.meta.url),
    'BullMQ worker',
    task,
    parseReady,
  );
  const queue = new Queue(QUEUE, { connection, streams: { events: { maxLen: KEPT_EVENTS } } });
  const events = new QueueEvents(QUEUE, { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const pending = new Pending();
  events.on('completed', ({ jobId, returnvalue }) => pending.resolve(jobId, String(returnvalue)));
  events.on('failed', ({ jobId, failedReason }) => pending.reject(jobId, new Error(failedReason)));

  let lastId = 0;
  let batch: { readonly jobId: string; readonly input: string }[] = [];
  const addBatch = () => {
    const jobs = batch;
    batch = [];
    const bulk = jobs.map(({ jobId, input }) => ({
      name: 'echo',
      data: { input },
      opts: { jobId, removeOnComplete: { count: KEPT_JOBS } },
    }));
    queue.addBulk(bulk).catch((error: unknown) => {
      for (const { jobId } of jobs) pending.reject(jobId, error);
    });
  };
  return {
    run(input) {
      const jobId = `t${++lastId}`;
      if (batch.length === 0) setImmediate(addBatch);
      batch.push({ jobId, input });
      return pending.add(jobId);
    },
    async close() {
      await events.close();
      await queue.close();
      await workers.stop();
      await redis.stop();
    },
  };
}
