import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { grown } from '../../../scripts/load/growth.js';
import { runOpenLoop } from '../../../scripts/load/open-loop.js';
import { parseLoadOptions } from '../../../scripts/load/options.js';
import { sampleProcess, type ProcessSample } from '../../../scripts/load/processes.js';

t.test('a stall is charged to all that were due meanwhile', async (t) => {
  let calls = 0;
  const { completed, failed, latency } = await runOpenLoop({
    ratePerSecond: 1000,
    requests: 100,
    durationMs: 60_000,
    request: async () => {
      // The event loop itself stands still: nothing is sent meanwhile.
      if (++calls === 10) for (const until = performance.now() + 200; performance.now() < until;);
      await Promise.resolve();
    },
  });
  t.same([completed, failed, latency.totalCount], [100, 0, 100]);
  t.ok(latency.getValueAtPercentile(50) > 50_000, 'half of the requests were due in the stall');
});

t.test('requests begin at their rate whatever becomes of those before, and end with the time', async (t) => {
  let open = 0;
  let most = 0;
  const { completed, elapsedMs } = await runOpenLoop({
    ratePerSecond: 500,
    requests: 1000,
    durationMs: 200,
    request: async () => {
      most = Math.max(most, ++open);
      await sleep(100);
      open--;
    },
  });
  t.equal(completed, 100, 'no more than are due in the time');
  t.ok(most > 10, 'nobody waits for an answer');
  t.ok(elapsedMs >= 290);
});

t.test('failures are counted by message', async (t) => {
  let calls = 0;
  const { completed, failed, errors, latency } = await runOpenLoop({
    ratePerSecond: 10_000,
    requests: 10,
    durationMs: 1000,
    request: () => (++calls % 2 === 0 ? Promise.resolve() : Promise.reject(new Error('refused'))),
  });
  t.same([completed, failed, latency.totalCount], [5, 5, 5]);
  t.same([...errors], [['refused', 5]]);
});

t.test('growth of memory and of handles is named', async (t) => {
  const sample = (residentBytes: number, handles: number): ProcessSample => ({
    cpuSeconds: 0,
    peakBytes: 0,
    residentBytes,
    handles,
  });
  const judge = (before: ProcessSample, after: ProcessSample) =>
    grown('agents', 25, (of) => [of(before), of(after)]);
  t.same(judge(sample(100e6, 100), sample(125e6, 141)), []);
  t.same(judge(sample(100e6, 100), sample(126e6, 100)), ['agents: memory grew from 100 MB to 126 MB']);
  t.same(judge(sample(100e6, 100), sample(100e6, 142)), ['agents: handles grew from 100 to 142']);
});

t.test('what the kernel says of this process', { skip: process.platform !== 'linux' }, async (t) => {
  const { cpuSeconds, residentBytes, peakBytes, handles } = sampleProcess({ name: 'self', pid: process.pid });
  t.ok(cpuSeconds > 0 && cpuSeconds < 60);
  t.ok(residentBytes > 10e6 && peakBytes >= residentBytes * 0.9);
  t.ok(handles >= 3);
  t.throws(() => sampleProcess({ name: 'gone', pid: 2 ** 22 + 1 }), /^gone \(process \d+\) is gone$/);
});

t.test('options say what is wrong with them', async (t) => {
  const good = ['--connect', 'a:1', '--ca', 'f', '--agents', '1', '--tasks', '1', '--rate', '1'].concat([
    '--duration',
    '1.5s',
    '--started-at',
    '1',
    '--baseline-kb',
    '2',
    '--process',
    'coordinator=1',
  ]);
  t.match(parseLoadOptions(good), { durationMs: 1500, baselineBytes: 2048, maxGrowth: null });
  for (const [flag, value] of [
    ['--agents', '0'],
    ['--rate', 'fast'],
    ['--duration', '5'],
    ['--process', 'nameless'],
  ] as const)
    t.throws(() => parseLoadOptions([...good, flag, value]), new RegExp(`^${flag}: '${value}'`));
});
