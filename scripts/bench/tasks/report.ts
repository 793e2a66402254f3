import { table } from '../lib/table.js';
import { targetTable, type Target } from '../lib/target.js';
import { CONTENDERS, type AllTasksResults, type ContenderName, type Results } from './results.js';

const MEBIBYTE = 1024 ** 2;

/** The results as tables for a terminal. */
export function report({ tasks, recovery }: Results, targets: readonly Target[]): string {
  const parts: string[] = [];
  if (tasks !== undefined) {
    parts.push(tasksTable(tasks));
    const { p99Ms, maxMs } = tasks.quicSwarm.eventLoopDelay;
    parts.push(
      table([
        ['coordinator under that load', 'p99 ms', 'max ms'],
        ['event-loop delay', p99Ms.toFixed(1), maxMs.toFixed(1)],
      ]),
    );
  }
  if (recovery !== undefined) {
    const { queuedTasks, firstDispatchS, residentBytes, tasksDone } = recovery;
    parts.push(
      table([
        [`restart with ${queuedTasks} queued tasks`, ''],
        ['first dispatch, s', firstDispatchS.toFixed(2)],
        [`memory until ${tasksDone} were done, MiB`, (residentBytes / MEBIBYTE).toFixed(0)],
      ]),
    );
  }
  parts.push(targetTable(targets));
  return parts.join('\n\n');
}

/** What each of them promises when it acknowledges. */
const TITLES: Record<ContenderName, string> = {
  quicSwarm: 'quic-swarm (fsync before each acknowledgement)',
  bullmq: 'BullMQ on Redis (fsync every second)',
  jetstream: 'NATS JetStream (fsync every two minutes)',
};

function tasksTable(tasks: AllTasksResults): string {
  return table([
    ['durable tasks, echo of 256 B', 'tasks/s', 'p50 ms', 'p99 ms'],
    ...CONTENDERS.map((name) => {
      const result = tasks[name];
      if (result === null) return [TITLES[name], 'not installed'];
      const { perSecond, p50Ms, p99Ms } = result;
      return [TITLES[name], perSecond.toFixed(0), p50Ms.toFixed(2), p99Ms.toFixed(2)];
    }),
  ]);
}
