import { planRecovered, recoverSchedules, scheduleIsDue } from './schedules/schedules.js';
import type { EntryRecord, RecoveredTask, SessionRecord } from '../../store/records.js';
import { handleAgentMessage } from './sessions/agent-messages.js';
import { coreFigures, type CoreFigures } from './figures.js';
import { handleClientMessage } from './tasks/client-messages.js';
import { logTopicIsDue } from './bounded-log.js';
import {
  connectionEstablished,
  handshakeTimedOut,
  loseConnection,
  openConnection,
  refuse,
} from './sessions/connection-lifecycle.js';
import type { Action, CoreEvent, CoreOptions, CorePorts } from './contract.js';
import { mayGoOn } from './sessions/client-entry.js';
import { dispatch } from './tasks/dispatch.js';
import type { Due } from './due.js';
import { handleEarlyMessage, nonceChecked } from './sessions/early-data.js';
import { handleFirstMessage } from './sessions/handshake.js';
import { keepTime, sessionIsDue } from './sessions/liveness.js';
import { confirmToken, heardFrom, recoverSession, sendHeartbeat } from './sessions/session-lifecycle.js';
import { lookAtNeeds, resultsRead, statesRead } from './tasks/needs.js';
import { startReads } from './tasks/needs-reads.js';
import { listed, lookedUp } from './tasks/lookups.js';
import { inputsRead } from './tasks/read-ahead.js';
import { armLearning } from './reasoning/carry-out.js';
import { patternsFound } from './reasoning/patterns.js';
import { learningIsDue, saveLearning } from './reasoning/snapshots.js';
import type { ReasoningBank } from '../../reasoning/bank.js';
import { stallIsDue } from './sessions/stalls.js';
import { settleCommit } from './tasks/settlement.js';
import { CoreState, type Counters } from './state.js';
import { adjustIntake, storePauses } from './commits/store-health.js';
import { commitFailed, commitSucceeded } from './commits/store-trouble.js';
import type { StateCounts, TaskObserver } from './tasks/task-book.js';
import type { Task } from './tasks/task.js';
import { armRetention, stopAnswered, taskIsDue } from './tasks/task-flow.js';
import { Timer } from './timers.js';
import { runTrainings, trainingRead } from './training/training-flow.js';
import { recoverTasks } from './tasks/unfinished-tasks.js';

/** What the store had at the start, besides the tasks. */
export interface Recovered {
  readonly sessions: readonly SessionRecord[];
  /** Tasks by state, for the status; without it, finished tasks are counted from the start on. */
  readonly counts?: StateCounts;
  /** Kinds that were paused. */
  readonly pausedKinds?: readonly string[];
  /** Recurring tasks. */
  readonly schedules?: readonly EntryRecord[];
  /** What was learned; a new one when missing. */
  readonly bank?: ReasoningBank;
}

/** Deadlines of tasks handled in one `tick`; the next one follows at once, after what else there is to do. */
const MAX_DUE_AT_ONCE = 4_096;
/** Of recurring tasks: to find their next time takes up to a millisecond each. */
const MAX_OCCURRENCES_AT_ONCE = 32;

/**
 * The coordinator without its surroundings: sessions, queue, leases, and what clients and agents are told.
 * `handle` takes what happened and returns what to do; nothing in it waits, reads a clock or throws for what a peer
 * sends. The order of its answers is the order in which to carry them out.
 */
export class CoordinatorCore {
  /** For reports and tests; only the core writes to it. */
  readonly state: CoreState;

  /** `recovered`: from the store. After it come the unfinished tasks (`recover`), and then a `flush`. */
  constructor(options: CoreOptions, ports: CorePorts, now: number, recovered: Recovered = { sessions: [] }) {
    this.state = new CoreState(options, ports, now, recovered.counts, recovered.pausedKinds, recovered.bank);
    armLearning(this.state, now);
    for (const record of recovered.sessions) recoverSession(this.state, record, now);
    recoverSchedules(this.state, recovered.schedules ?? [], now);
  }

  /**
   * Takes up unfinished tasks from the store, in the order of their submission, as many at a time as the shell likes.
   * They go on where they were; a lease waits for its agent as after a lost connection. Before the first event.
   */
  recover(tasks: readonly RecoveredTask[], now: number): void {
    // agents can come back only after it: their grace starts with the last of the tasks
    this.state.onTimeSince = now;
    recoverTasks(this.state, tasks, now);
  }

  get counters(): Readonly<Counters> {
    return this.state.counters;
  }

  /** Has every change of a task's state told to `observer`, as it is decided; the store may learn of it a moment later. */
  observeTasks(observer: TaskObserver): void {
    this.state.tasks.observe(observer);
  }

  /** The task that an agent is to work on: the one of this id, or the training that it is a piece of. */
  taskBehind(taskId: string): Task | undefined {
    return this.state.tasks.get(taskId) ?? this.state.trainings.shard(taskId)?.training.task;
  }

  /** What is counted, for metrics. */
  figures(now: number): CoreFigures {
    return coreFigures(this.state, now);
  }

  /** When the next `tick` is due, or null when nothing waits for time. May change with each `handle`. */
  nextDeadline(): number | null {
    const { timers, deadlines } = this.state;
    const timer = timers.next();
    const deadline = deadlines.next();
    return timer === null || deadline === null ? (timer ?? deadline) : Math.min(timer, deadline);
  }

  handle(event: CoreEvent, now: number): readonly Action[] {
    step(this.state, event, now);
    return this.state.takeActions();
  }
}

function step(core: CoreState, event: CoreEvent, now: number): void {
  keepTime(core, now);
  switch (event.type) {
    case 'message': {
      const connection = core.connections.get(event.connectionId);
      if (connection === undefined) return;
      const { role } = connection;
      if (event.early === true) {
        handleEarlyMessage(core, connection, event.message, now);
      } else if (role.kind === 'unknown') {
        handleFirstMessage(core, connection, event.message, now);
      } else if (role.kind === 'agent') {
        heardFrom(core, role.session, now);
        handleAgentMessage(core, connection, role.session, event.message, event.payload, now);
      } else {
        if (!mayGoOn(core, connection, role, event.message, now)) return;
        handleClientMessage(core, connection, event.message, event.payload, now);
        // not only at the end of the turn: until then every client may say all that its window holds
        if (core.intakeOpen) adjustIntake(core);
      }
      return;
    }
    case 'heard': {
      const role = core.connections.get(event.connectionId)?.role;
      if (role?.kind === 'agent') role.session.lastPacketAt = now;
      return;
    }
    case 'established': {
      const connection = core.connections.get(event.connectionId);
      if (connection !== undefined) connectionEstablished(core, connection, event.certificate, now);
      return;
    }
    case 'laneOpened': {
      const role = core.connections.get(event.connectionId)?.role;
      if (role?.kind === 'agent') confirmToken(core, role.session);
      return;
    }
    case 'nonceChecked': {
      const connection = core.connections.get(event.connectionId);
      if (connection !== undefined) nonceChecked(core, connection, event.fresh, now);
      return;
    }
    case 'connectionOpened':
      openConnection(core, event, now);
      return;
    case 'connectionLost': {
      const connection = core.connections.get(event.connectionId);
      if (connection !== undefined) loseConnection(core, connection, event, now);
      return;
    }
    case 'protocolError': {
      const connection = core.connections.get(event.connectionId);
      if (connection !== undefined) refuse(core, connection, event.error, now);
      return;
    }
    case 'found':
      lookedUp(core, event.lookupId, event.task, now);
      return;
    case 'listed':
      listed(core, event.lookupId, event.tasks, now);
      return;
    case 'patternsFound':
      patternsFound(core, event.lookupId, event.found);
      return;
    case 'inputsRead':
      inputsRead(core, event.readId, event.inputs, now);
      break;
    case 'trainingRead':
      trainingRead(core, event.taskId, event.found, now);
      break;
    case 'statesRead':
      statesRead(core, event.readId, event.found, now);
      break;
    case 'resultsRead':
      resultsRead(core, event.readId, event.found, now);
      break;
    case 'committed': {
      const entries = core.commits.succeed(event.commitId);
      if (entries === null) break;
      core.commitSize.ended(now, core.commits.isBehind);
      commitSucceeded(core);
      settleCommit(core, entries, event.outcomes, now);
      break;
    }
    case 'commitFailed':
      commitFailed(core, event.commitId, event.reason, now);
      break;
    case 'drain':
      startDraining(core, event.deadlineMs, event.reason, now);
      break;
    case 'tick':
      tick(core, now);
      break;
    case 'flush':
      break;
  }
  flush(core, now);
}

function tick(core: CoreState, now: number): void {
  let occurrences = 0;
  for (let timer = core.timers.popDue(now); timer !== null; timer = core.timers.popDue(now)) {
    timerIsDue(core, timer.due, now);
    if (timer.due.kind === 'schedule' && ++occurrences === MAX_OCCURRENCES_AT_ONCE) break;
  }
  for (let i = 0; i < MAX_DUE_AT_ONCE; i++) {
    const task = core.deadlines.popDue(now);
    if (task === null) return;
    taskIsDue(core, task, now);
  }
}

/** Dispatches, starts the next commit, and ends a drain that has nothing left to wait for. */
function flush(core: CoreState, now: number): void {
  if (core.needs.hasNews) lookAtNeeds(core, now);
  if (core.needsReads.waits) startReads(core, now);
  // first: what is given out here belongs to tasks that have had their turn
  if (core.trainings.size > 0) runTrainings(core, now);
  dispatch(core, now);
  if (core.trainings.size > 0) runTrainings(core, now);
  if (core.operation.state === 'draining' && core.tasks.held === 0) saveLearning(core, now);
  core.commits.endTurn();
  beginCommit(core, now);
  adjustIntake(core);
  if (core.feed.isOpen) core.feed.deliver(core);
  if (core.operation.state === 'draining' && core.tasks.held === 0 && core.commits.idle) endDrain(core);
}

function beginCommit(core: CoreState, now: number): void {
  if (storePauses(core)) return;
  if (!core.commits.underWay && core.hold.holds(core, now)) return;
  const { parts } = core.commitSize;
  for (let commit = core.commits.begin(parts); commit !== null; commit = core.commits.begin(parts)) {
    const ops = [];
    for (const { op } of commit.entries) if (op !== null) ops.push(op);
    if (ops.length > 0) {
      core.commitSize.started(now);
      core.act({ type: 'commit', commitId: commit.commitId, ops });
      return;
    }
    // only replies, and what they waited for is durable
    const entries = core.commits.succeed(commit.commitId);
    if (entries !== null) settleCommit(core, entries, [], now);
  }
}

function timerIsDue(core: CoreState, due: Due, now: number): void {
  switch (due.kind) {
    case 'commit-hold':
      core.hold.expired();
      return;
    case 'session':
      sessionIsDue(core, due.session, now);
      return;
    case 'heartbeat':
      sendHeartbeat(core, due.session, now);
      return;
    case 'stopping':
      stopAnswered(core, due.session, due.leaseKey);
      return;
    case 'handshake':
      handshakeTimedOut(core, due.connectionId, now);
      return;
    case 'stall':
      stallIsDue(core, due.session, now);
      return;
    case 'log':
      logTopicIsDue(core, due.topic, now);
      return;
    case 'retention':
      core.tasks.forgetFinished(now);
      armRetention(core);
      return;
    case 'store-retry':
    case 'read-retry':
    case 'needs-retry':
    case 'needs':
    case 'rate':
    case 'training':
      // the flush after it does what has waited
      return;
    case 'learning':
      learningIsDue(core, now);
      return;
    case 'schedule':
      scheduleIsDue(core, due.schedule, now);
      return;
    case 'schedules':
      planRecovered(core, now);
      return;
    case 'drain':
      endDrain(core);
      return;
  }
}

function startDraining(core: CoreState, deadlineMs: number, reason: string, now: number): void {
  if (core.operation.state !== 'running') return;
  const timer = new Timer<Due>({ kind: 'drain' });
  core.timers.set(timer, now + deadlineMs);
  core.operation = { state: 'draining', timer };
  for (const { id, role } of core.connections.values()) {
    const hasJoined =
      role.kind === 'client' || (role.kind === 'agent' && role.session.phase.state !== 'joining');
    if (hasJoined) core.send(id, { type: 'DrainNotice', reason, deadlineMs });
  }
  core.feed.emit({ event: 'coordinator-draining', at: now });
  core.log('info', 'draining', { reason, leases: core.tasks.held, waiting: core.tasks.waiting });
}

function endDrain(core: CoreState): void {
  if (core.operation.state !== 'draining') return;
  core.timers.cancel(core.operation.timer);
  core.operation = { state: 'drained' };
  core.act({ type: 'drained', remaining: core.tasks.held });
}
