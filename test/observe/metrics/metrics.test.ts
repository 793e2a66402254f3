import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PACKAGE_ROOT } from '../../../scripts/lib/daemons.js';
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import { agentMetrics } from '../../../src/observe/metrics/agent-metrics.js';
import { coordinatorMetrics } from '../../../src/observe/metrics/coordinator-metrics.js';
import type { MetricsSource } from '../../../src/observe/metrics/metrics-route.js';
import { encodeValue } from '../../../src/protocol/value.js';
import { FakeClock, pass } from '../../support/fake-clock.js';
import { MemoryNetwork } from '../../support/memory-transport.js';
import { AGENT_HELLO, CLIENT_HELLO, Speaker } from '../../support/speaker.js';

const LISTENER = {
  earlyDataConnections: 1,
  retriesSent: 2,
  resetsSent: 5,
  handshakes: 3,
  handshakesFailed: 4,
};

async function world(t: Test) {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const coordinator = new Coordinator({ listener: network.listen('c:1'), clock });
  await coordinator.start();
  t.teardown(() => coordinator.close());
  const letPass = (ms: number) => pass(clock, ms);
  const metrics = coordinatorMetrics({
    figures: () => coordinator.figures(),
    listener: () => LISTENER,
    version: 'test 1',
  });
  t.teardown(() => metrics.stop());
  return { coordinator, network, pass: letPass, metrics };
}

/** A coordinator that has done a task, refused one, and lost a client. */
async function busyWorld(t: Test) {
  const w = await world(t);
  const { network, pass } = w;
  const [client, leaver, agent] = [1, 2, 3].map(() => new Speaker(network.connector('c:1'))) as [
    Speaker,
    Speaker,
    Speaker,
  ];
  client.control.send(CLIENT_HELLO);
  leaver.control.send(CLIENT_HELLO);
  agent.control.send(AGENT_HELLO);
  await pass(10);
  const lane = agent.open('tasks-normal');
  await pass(5);
  const input = encodeValue({ function: 'echo', input: 1 });
  client.control.send({ type: 'SubmitTask', requestId: 1, kind: 'compute', watch: false }, input);
  client.control.send({ type: 'SubmitTask', requestId: 2, kind: 'no-such-kind', watch: false }, input);
  await pass(10);
  const [task] = lane.of('AgentTask');
  if (task === undefined) throw new Error('the agent got no task');
  const { taskId, attempt, epoch } = task;
  lane.send(
    { type: 'TaskCompletion', taskId, attempt, epoch, outcome: 'completed', runMs: 7 },
    encodeValue(1),
  );
  await pass(10);
  leaver.connection.close(0, '');
  await pass(10);
  return w;
}

/** Values by name and labels as they are written. */
async function read(metrics: MetricsSource): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

t.test('what happened is in the metrics', async (t) => {
  const { metrics } = await busyWorld(t);
  const values = await read(metrics);
  for (const [name, value] of [
    ['swarm_coordinator_up', 1],
    ['swarm_agents{type="worker",state="connected"}', 1],
    ['swarm_clients', 1],
    ['swarm_tasks{kind="compute",state="queued"}', 0],
    ['swarm_tasks_submitted_total{kind="compute"}', 1],
    ['swarm_tasks_finished_total{kind="compute",outcome="completed"}', 1],
    ['swarm_task_run_duration_seconds_bucket{kind="compute",le="0.005"}', 0],
    ['swarm_task_run_duration_seconds_bucket{kind="compute",le="0.01"}', 1],
    ['swarm_task_run_duration_seconds_bucket{kind="compute",le="+Inf"}', 1],
    ['swarm_task_run_duration_seconds_sum{kind="compute"}', 0.007],
    ['swarm_task_run_duration_seconds_count{kind="compute"}', 1],
    ['swarm_messages_total{type="SubmitTask",direction="received"}', 2],
    ['swarm_messages_total{type="AgentTask",direction="sent"}', 1],
    ['swarm_quic_connections', 2],
    ['swarm_quic_early_data_accepted_total', 1],
    ['swarm_store_up', 1],
    ['swarm_reasoning_experiences_total{fate="repeated"}', 0],
    ['swarm_reasoning_recent_adaptations{end="kept"}', 0],
    ['swarm_events_total{event="sessions_resumed"}', 0],
  ] as const)
    t.equal(values.get(name), value, name);
  t.ok((values.get('swarm_store_commit_duration_seconds_count') ?? 0) > 0, 'commits are timed');
  t.ok((values.get('swarm_message_bytes_total{type="SubmitTask",direction="received"}') ?? 0) > 40);
  t.ok((values.get('process_resident_memory_bytes') ?? 0) > 1e6);
  const again = await read(metrics);
  t.equal(
    again.get('swarm_tasks_submitted_total{kind="compute"}'),
    1,
    'a second scrape counts nothing twice',
  );
});

t.test('a coordinator that has stopped says so', async (t) => {
  const { metrics, coordinator } = await world(t);
  await coordinator.close();
  t.equal((await read(metrics)).get('swarm_coordinator_up'), 0);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const skip = hasPromtool ? false : 'promtool is not installed';

t.test('promtool finds nothing to object to', { skip }, async (t) => {
  const { metrics } = await busyWorld(t);
  const own = agentMetrics({ version: 'test 1', figures: () => ({ agents: [], kinds: [] }) });
  t.teardown(() => own.stop());
  for (const [name, source] of [
    ['coordinator', metrics],
    ['agent', own],
  ] as const) {
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: await source.scrape(),
      encoding: 'utf8',
    });
    t.match(checked, { status: 0, stdout: '', stderr: '' }, name);
  }
  const bad = spawnSync('promtool', ['check', 'metrics'], { input: '# TYPE a_total gauge\na_total 1\n' });
  t.not(bad.status, 0, 'it would say so');
});

t.test('the alert rules are valid and speak of metrics that exist', async (t) => {
  const file = join(PACKAGE_ROOT, 'scripts/monitoring/alerts.yml');
  if (hasPromtool)
    t.match(spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' }), { status: 0 });
  const { metrics } = await busyWorld(t);
  const own = agentMetrics({ version: 'test 1', figures: () => ({ agents: [], kinds: [] }) });
  t.teardown(() => own.stop());
  const known = (await metrics.scrape()) + (await own.scrape());
  for (const path of ['alerts.yml', 'grafana-dashboard.json']) {
    const text = readFileSync(join(PACKAGE_ROOT, 'scripts/monitoring', path), 'utf8');
    const names = new Set(text.match(/\b(?:swarm|nodejs|process)_[a-z0-9_]+/g));
    t.ok(names.size > 5, `${path} speaks of metrics`);
    for (const name of names) {
      const metric = name.replace(/_(?:bucket|sum|count)$/, '');
      t.ok(known.includes(`# TYPE ${metric} `) || known.includes(`# TYPE ${name} `), `${path}: ${name}`);
    }
  }
});
