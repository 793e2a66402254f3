/** The worker process of BullMQ, forked by the benchmark. It ends when its parent lets go of it. */
import { Worker } from 'bullmq';
import { QUEUE } from './bullmq.js';
import { parseWorkerTask } from './worker-task.js';

/** More gain nothing: Redis and this process are busy all the time. */
const CONCURRENCY = 500;

process.once('message', (message) => {
  const { port } = parseWorkerTask(message);
  const worker = new Worker<{ readonly input: string }, string>(
    QUEUE,
    (job) => Promise.resolve(job.data.input),
    { connection: { host: '127.0.0.1', port }, concurrency: CONCURRENCY },
  );
  process.once('disconnect', () => void worker.close().then(() => process.exit(0)));
  void worker.waitUntilReady().then(() => process.send?.('ready'));
});
