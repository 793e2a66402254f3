import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Child } from '../../lib/child.js';
import { INPUT_BYTES, WORKER_CREDIT, type Contender } from './contender.js';
import { Pending } from './pending.js';
import { findProgram, freePort, ServerProcess } from './server-process.js';
import { parseReady, type WorkerTask } from './worker-task.js';

/** Streams are work queues in files: a message is deleted when it is acknowledged. Subject and stream share a name. */
export const TASKS = 'tasks';
export const RESULTS = 'results';
/** The one consumer of each stream. */
export const CONSUMER = 'consumer';
/** Messages pulled ahead. */
export const PULLED = 1000;

/** A message is the id of its task in as many hexadecimal digits, and the input. */
const ID_DIGITS = 8;

/**
 * NATS JetStream on a server of its own: tasks and results each in a work queue on disk, published with an
 * acknowledgement and acknowledged one by one. It syncs by its default, every two minutes. Null without a nats-server.
 */
export async function startJetstream(directory: string): Promise<Contender | null> {
  const program = findProgram('nats-server');
  if (program === null) return null;
  const port = await freePort();
  const server = await ServerProcess.start(
    program,
    ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory],
    /Server is ready/,
  );
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  const manager = await jetstreamManager(connection);
  for (const name of [TASKS, RESULTS]) {
    await manager.streams.add({
      name,
      subjects: [name],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
    });
    await manager.consumers.add(name, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 2 * WORKER_CREDIT,
    });
  }
  const task: WorkerTask = { port };
  const workers = await Child.start(
    new URL('./jetstream-worker.js', import.meta.url),
    'JetStream worker',
    task,
    parseReady,
  );
  const streams = jetstream(connection);
  const consumer = await streams.consumers.get(RESULTS, CONSUMER);
  const pending = new Pending();
  const results = await consumer.consume({
    max_messages: PULLED,
    callback: (message) => {
      const bytes = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength);
      message.ack();
      pending.resolve(bytes.toString('latin1', 0, ID_DIGITS), bytes.toString('latin1', ID_DIGITS));
    },
  });

  let lastId = 0;
  return {
    run(input) {
      const id = (++lastId).toString(16).padStart(ID_DIGITS, '0');
      const message = Buffer.allocUnsafe(ID_DIGITS + INPUT_BYTES);
      message.write(id + input, 'latin1');
      streams.publish(TASKS, message).catch((error: unknown) => pending.reject(id, error));
      return pending.add(id);
    },
    async close() {
      results.stop();
      await connection.drain();
      await workers.stop();
      await server.stop();
    },
  };
}
