import { FINISHED_STATES, UNFINISHED_STATES } from '../../protocol/messages.js';
import { MetricSet, type Series } from './metric-set.js';
import { OTHER_KINDS } from './meters-by-kind.js';
import { ProcessMetrics } from './process-metrics.js';
import type { MetricsSource } from './metrics-route.js';
import type { CoordinatorFigures, KindFigures } from './snapshot.js';

/** What only the one who made the listener can tell. */
export interface ListenerFigures {
  readonly earlyDataConnections: number;
  readonly retriesSent: number;
  readonly resetsSent: number;
  readonly handshakes: number;
  readonly handshakesFailed: number;
}

export interface CoordinatorSource {
  /** null while it is not running. */
  readonly figures: () => Promise<CoordinatorFigures | null>;
  readonly listener: () => ListenerFigures;
  readonly version: string;
}

/** The metrics of a coordinator; docs/operations.md describes each. */
export function coordinatorMetrics(source: CoordinatorSource): MetricsSource {
  const set = new MetricSet();
  const process = new ProcessMetrics(set.registry);
  const show = coordinatorSeries(set);
  const info = set.gauge('swarm_coordinator_info', 'Always 1; the label says which software runs.', [
    'version',
  ]);
  const up = set.gauge('swarm_coordinator_up', 'Whether the coordinator is running: 1 or 0.');
  const listener = listenerSeries(set);
  return {
    contentType: set.registry.contentType,
    stop: () => process.stop(),
    scrape: async () => {
      const figures = await source.figures();
      process.update();
      info([[{ version: source.version }, 1]]);
      up(figures === null ? 0 : 1);
      listener(source.listener());
      if (figures !== null) show(figures);
      return set.registry.metrics();
    },
  };
}

function listenerSeries(set: MetricSet): (figures: ListenerFigures) => void {
  const early = set.counter(
    'swarm_quic_early_data_accepted_total',
    'Connections whose 0-RTT data was handed on.',
  );
  const retries = set.counter('swarm_quic_retries_total', 'Retry packets sent to check addresses.');
  const resets = set.counter(
    'swarm_quic_stateless_resets_total',
    'Answers to packets of connections that are not known, such as those of a process before.',
  );
  const handshakes = set.gauge('swarm_quic_handshakes', 'Handshakes under way.');
  const failed = set.counter('swarm_quic_handshakes_failed_total', 'TLS handshakes that failed.');
  return (figures) => {
    early(figures.earlyDataConnections);
    retries(figures.retriesSent);
    resets(figures.resetsSent);
    handshakes(figures.handshakes);
    failed(figures.handshakesFailed);
  };
}

function coordinatorSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const shows = [
    reasoningSeries(set),
    agentSeries(set),
    taskSeries(set),
    storeSeries(set),
    messageSeries(set),
    connectionSeries(set),
  ];
  return (figures) => {
    for (const show of shows) show(figures);
  };
}

function agentSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const agents = set.gauge('swarm_agents', 'Agents by type and state of their session.', ['type', 'state']);
  const clients = set.gauge('swarm_clients', 'Connected clients.');
  const draining = set.gauge('swarm_draining', 'Whether the coordinator takes no new work: 1 or 0.');
  const followers = set.gauge('swarm_event_subscribers', 'Those who follow the events.');
  const events = set.counter(
    'swarm_events_total',
    'What happened since the start, by name: sessions resumed and refused, retries, timeouts, refused messages.',
    ['event'],
  );
  return (figures) => {
    agents(figures.agents.map(({ type, state, count }) => [{ type, state }, count]));
    clients(figures.clients);
    draining(figures.draining ? 1 : 0);
    followers(figures.eventSubscribers);
    events(Object.entries(figures.counters).map(([name, count]) => [{ event: snakeCase(name) }, count]));
  };
}

function taskSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const tasks = set.gauge('swarm_tasks', 'Unfinished tasks by kind and state.', ['kind', 'state']);
  const submitted = set.counter('swarm_tasks_submitted_total', 'Tasks accepted, by kind.', ['kind']);
  const finished = set.counter('swarm_tasks_finished_total', 'Tasks that ended, by kind and outcome.', [
    'kind',
    'outcome',
  ]);
  const attempts = set.counter('swarm_task_attempts_total', 'Attempts started, by kind.', ['kind']);
  const depth = set.gauge('swarm_queue_depth', 'Tasks that wait for an agent, by kind and priority.', [
    'kind',
    'priority',
  ]);
  const oldest = set.gauge(
    'swarm_queue_oldest_seconds',
    'How long the first task of a kind and priority has waited for an agent.',
    ['kind', 'priority'],
  );
  const bytes = set.gauge('swarm_queue_input_bytes', 'Bytes of the inputs of unfinished tasks.');
  const queue = set.histogram('swarm_task_queue_duration_seconds', 'From ready to the first lease.', [
    'kind',
  ]);
  const run = set.histogram(
    'swarm_task_run_duration_seconds',
    'Run time of completed attempts on the agent.',
    ['kind'],
  );
  const roundTrip = set.histogram('swarm_task_round_trip_duration_seconds', 'From lease to result.', [
    'kind',
  ]);
  return ({ kinds, ready, queueBytes }) => {
    const each = (value: (figures: KindFigures) => number): Series =>
      kinds.map((figures) => [{ kind: figures.kind }, value(figures)]);
    tasks(
      kinds.flatMap(({ kind, now }) =>
        UNFINISHED_STATES.map((state) => [{ kind, state }, now[state]] as const),
      ),
    );
    finished(
      kinds.flatMap(({ kind, ended }) =>
        FINISHED_STATES.map((outcome) => [{ kind, outcome }, ended[outcome]] as const),
      ),
    );
    submitted(each((figures) => figures.submitted));
    attempts(each((figures) => figures.leased));
    bytes(queueBytes);
    // kinds that are counted together stand for one here as well
    const known = new Set(kinds.map(({ kind }) => kind));
    const lanes = new Map<
      string,
      { labels: { kind: string; priority: string }; depth: number; oldestMs: number }
    >();
    for (const lane of ready) {
      const labels = {
        kind: known.has(lane.kind) ? lane.kind : OTHER_KINDS,
        priority: String(lane.priority),
      };
      const key = `${labels.kind} ${labels.priority}`;
      const sum = lanes.get(key) ?? { labels, depth: 0, oldestMs: 0 };
      lanes.set(key, {
        labels,
        depth: sum.depth + lane.depth,
        oldestMs: Math.max(sum.oldestMs, lane.oldestMs),
      });
    }
    depth([...lanes.values()].map((lane) => [lane.labels, lane.depth]));
    oldest([...lanes.values()].map((lane) => [lane.labels, lane.oldestMs / 1000]));
    queue(kinds.map(({ kind, queue: buckets }) => ({ labels: { kind }, buckets })));
    run(kinds.map(({ kind, run: buckets }) => ({ labels: { kind }, buckets })));
    roundTrip(kinds.map(({ kind, roundTrip: buckets }) => ({ labels: { kind }, buckets })));
  };
}

function storeSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const durations = set.histogram(
    'swarm_store_commit_duration_seconds',
    'From the start of a commit until it is durable.',
  );
  const operations = set.counter(
    'swarm_store_operations_total',
    'Operations in commits that became durable.',
  );
  const failed = set.counter('swarm_store_commits_failed_total', 'Commits of which nothing was stored.');
  const up = set.gauge('swarm_store_up', 'Whether the store takes commits: 1 or 0.');
  return ({ commits, storeUp }) => {
    durations([{ labels: {}, buckets: commits.durations }]);
    operations(commits.operations);
    failed(commits.failed);
    up(storeUp ? 1 : 0);
  };
}

function messageSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const labels = ['type', 'direction'];
  const messages = set.counter('swarm_messages_total', 'Messages by type and direction.', labels);
  const bytes = set.counter('swarm_message_bytes_total', 'Bytes of messages by type and direction.', labels);
  return (figures) => {
    const series = (of: 'messages' | 'bytes'): Series =>
      figures.messages.flatMap(({ type, received, sent }) => [
        [{ type, direction: 'received' }, received[of]] as const,
        [{ type, direction: 'sent' }, sent[of]] as const,
      ]);
    messages(series('messages'));
    bytes(series('bytes'));
  };
}

function connectionSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const open = set.gauge('swarm_quic_connections', 'Open connections.');
  const streams = set.gauge('swarm_quic_streams', 'Open streams, over all connections.');
  const streamsOpened = set.counter('swarm_quic_streams_opened_total', 'Streams opened.');
  const rtt = set.gauge(
    'swarm_quic_rtt_seconds',
    'Smoothed round-trip time over the open connections: smallest, median, 99th percentile, largest.',
    ['stat'],
  );
  const window = set.gauge(
    'swarm_quic_congestion_window_bytes',
    'Congestion window over the open connections.',
    ['stat'],
  );
  const packets = set.counter('swarm_quic_packets_total', 'QUIC packets by fate, as this side sees them.', [
    'fate',
  ]);
  const bytes = set.counter('swarm_quic_bytes_total', 'Bytes of QUIC packets by fate.', ['fate']);
  const resumed = set.counter('swarm_quic_sessions_resumed_total', 'Connections that resumed a TLS session.');
  const early = set.counter(
    'swarm_quic_early_data_connections_total',
    'Connections that brought 0-RTT data.',
  );
  const dropped = set.counter('swarm_quic_datagrams_dropped_total', 'Datagrams dropped, by reason.', [
    'reason',
  ]);
  return ({ connections: figures, dropped: reasons }) => {
    open(figures.open);
    streams(figures.streamsOpen);
    streamsOpened(figures.streamsOpened);
    rtt(spread(figures.rttMs).map(([labels, value]) => [labels, value / 1000]));
    window(spread(figures.congestionWindowBytes));
    packets([
      [{ fate: 'sent' }, figures.packetsSent],
      [{ fate: 'received' }, figures.packetsReceived],
      [{ fate: 'lost' }, figures.packetsLost],
    ]);
    bytes([
      [{ fate: 'sent' }, figures.bytesSent],
      [{ fate: 'received' }, figures.bytesReceived],
      [{ fate: 'lost' }, figures.bytesLost],
    ]);
    resumed(figures.resumed);
    early(figures.earlyData);
    dropped(Object.entries(reasons).map(([reason, count]) => [{ reason }, count]));
  };
}

function reasoningSeries(set: MetricSet): (figures: CoordinatorFigures) => void {
  const experiences = set.counter(
    'swarm_reasoning_experiences_total',
    'Experiences by what became of them: learnt, and of those unjudged; repeated and unmatched ones.',
    ['fate'],
  );
  const verdicts = set.gauge('swarm_reasoning_recent_verdicts', 'The latest 1,000 verdicts by their sign.', [
    'sign',
  ]);
  const adaptations = set.gauge(
    'swarm_reasoning_recent_adaptations',
    'The latest adaptations that ended: kept because they helped, rolled back, refused, abandoned, interrupted.',
    ['end'],
  );
  const pending = set.gauge('swarm_reasoning_pending_forecasts', 'Forecasts whose outcome is not known yet.');
  const memories = set.gauge('swarm_reasoning_memories', 'Lessons that are remembered.');
  return ({ reasoning }) => {
    experiences([
      [{ fate: 'learnt' }, reasoning.experiences],
      [{ fate: 'unjudged' }, reasoning.unjudged],
      [{ fate: 'repeated' }, reasoning.repeated],
      [{ fate: 'unmatched' }, reasoning.unmatched],
    ]);
    verdicts(Object.entries(reasoning.verdicts).map(([sign, count]) => [{ sign }, count]));
    adaptations(
      Object.entries(reasoning.adaptations).map(([end, count]) => [{ end: end.replace('-', '_') }, count]),
    );
    pending(reasoning.pendingForecasts);
    memories(reasoning.memories);
  };
}

/** `rising`: in rising order; nothing is said of none. */
function spread(rising: readonly number[]): Series {
  const at = (fraction: number) => rising[Math.round(fraction * (rising.length - 1))] ?? 0;
  if (rising.length === 0) return [];
  return [
    [{ stat: 'min' }, at(0)],
    [{ stat: 'median' }, at(0.5)],
    [{ stat: 'p99' }, at(0.99)],
    [{ stat: 'max' }, at(1)],
  ];
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
