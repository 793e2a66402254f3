import t from 'tap';
import { parseOptions, SHORT, SECTIONS } from '../../../scripts/bench/tasks/options.js';
import { report } from '../../../scripts/bench/tasks/report.js';
import type { Results } from '../../../scripts/bench/tasks/results.js';
import { judge } from '../../../scripts/bench/tasks/targets.js';

const good: Required<Results> = {
  tasks: {
    quicSwarm: { perSecond: 31_000, p50Ms: 0.8, p99Ms: 3, eventLoopDelay: { p99Ms: 5, maxMs: 12 } },
    bullmq: { perSecond: 8000, p50Ms: 1.2, p99Ms: 4 },
    jetstream: null,
  },
  recovery: { queuedTasks: 1_000_000, firstDispatchS: 6, residentBytes: 700 * 1024 ** 2, tasksDone: 20_000 },
};

const missed = (results: Results) =>
  judge(results)
    .filter(({ met }) => !met)
    .map(({ name }) => name);

void t.test('good figures meet every target, and each can be missed', (t) => {
  t.same(missed(good), []);
  t.equal(judge(good).length, 6);
  t.same(judge({}), []);
  const { tasks, recovery } = good;
  const swarm = (changes: Partial<typeof tasks.quicSwarm>) => ({
    tasks: { ...tasks, quicSwarm: { ...tasks.quicSwarm, ...changes } },
  });
  t.same(missed(swarm({ perSecond: 29_999 })), ['durable tasks/s']);
  t.same(missed(swarm({ p50Ms: 1 })), ['one at a time p50, ms']);
  t.same(missed(swarm({ p99Ms: 4 })), ['one at a time p99, ms']);
  t.same(missed(swarm({ eventLoopDelay: { p99Ms: 10, maxMs: 10 } })), ['event-loop delay p99, ms']);
  t.same(missed({ recovery: { ...recovery, firstDispatchS: 10.1 } }), ['restart to first dispatch, s']);
  t.same(missed({ recovery: { ...recovery, residentBytes: 1024 ** 3 } }), ['resident memory, GiB']);
  t.end();
});

void t.test('a peer that is not there is said to be missing', (t) => {
  const text = report(good, judge(good));
  t.match(text, /NATS JetStream .* not installed/);
  t.match(text, /BullMQ .* 8000 +1\.20 +4\.00/);
  t.end();
});

void t.test('options', (t) => {
  t.same(parseOptions([]).only, SECTIONS);
  t.match(parseOptions(['--json', '--short', '--check']), { json: true, check: true, plan: SHORT });
  t.same(parseOptions(['--only=recovery']).only, ['recovery']);
  t.throws(() => parseOptions(['--only', 'tasks,luck']), { message: /--only: 'luck' is not one of tasks/ });
  t.throws(() => parseOptions(['--fast']), { message: /--fast: no such option/ });
  t.end();
});
