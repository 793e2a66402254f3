/** The worker process of JetStream, forked by the benchmark. It ends when its parent lets go of it. */
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { CONSUMER, PULLED, RESULTS, TASKS } from './jetstream.js';
import { parseWorkerTask } from './worker-task.js';

process.once('message', (message) => void work(parseWorkerTask(message).port));

async function work(port: number): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  const streams = jetstream(connection);
  const consumer = await streams.consumers.get(TASKS, CONSUMER);
  const messages = await consumer.consume({
    max_messages: PULLED,
    callback: (task) => {
      // The task is done when its result is stored, and not before.
      void streams.publish(RESULTS, task.data).then(() => task.ack());
    },
  });
  process.once('disconnect', () => {
    messages.stop();
    void connection.drain().then(() => process.exit(0));
  });
  process.send?.('ready');
}
