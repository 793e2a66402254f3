import type { RecoveredState } from '../store/store.js';
import { handleAgentMessage } from './agent-messages.js';
import { handleClientMessage } from './client-messages.js';
import { handshakeTimedOut, loseConnection, openConnection, refuse } from './connection-lifecycle.js';
import type { Action, CoreEvent, CoreOptions, CorePorts } from './contract.js';
import { dispatch } from './dispatch.js';
import type { Due } from './due.js';
import { handleFirstMessage } from './handshake.js';
import { heardFrom, recoverSession, sendHeartbeat, sessionIsDue } from './session-lifecycle.js';
import { lookedUp, settleCommit, settleLost } from './settlement.js';
import { CoreState, type Counters } from './state.js';
import { activate, armRetention, loseLease, stopAnswered, taskIsDue } from './task-flow.js';
import { activeLease, recoverTask, type Task } from './task.js';
import { Timer } from './timers.js';

/**
 * The coordinator without its surroundings: sessions, queue, leases, and what clients and agents are told.
 * `handle` takes what happened and returns what to do; nothing in it waits, reads a clock or throws for what a peer
 * sends. The order of its answers is the order in which to carry them out.
 */
export class CoordinatorCore {
  /** For reports and tests; only the core writes to it. */
  readonly state: CoreState;

  /**
   * `recovered`: what the store had at the start. Unfinished tasks go on; a lease waits for its agent as after a lost
   * connection. Send `flush` after construction.
   */
  constructor(options: CoreOptions, ports: CorePorts, now: number, recovered?: RecoveredState) {
    this.state = new CoreState(options, ports, now);
    if (recovered !== undefined) recover(this.state, recovered, now);
  }

  get counters(): Readonly<Counters> {
    return this.state.counters;
  }

  /** When the next `tick` is due, or null when nothing waits for time. May change with each `handle`. */
  nextDeadline(): number | null {
    return this.state.timers.next();
  }

  handle(event: CoreEvent, now: number): readonly Action[] {
    step(this.state, event, now);
    return this.state.takeActions();
  }
}

function step(core: CoreState, event: CoreEvent, now: number): void {
  switch (event.type) {
    case 'message': {
      const connection = core.connections.get(event.connectionId);
      if (connection === undefined) return;
      const { role } = connection;
      if (role.kind === 'unknown') {
        handleFirstMessage(core, connection, event.message, now);
      } else if (role.kind === 'agent') {
        heardFrom(core, role.session, now);
        handleAgentMessage(core, connection, role.session, event.message, event.payload, now);
      } else {
        handleClientMessage(core, connection, event.message, event.payload, now);
      }
      return;
    }
    case 'heard': {
      const role = core.connections.get(event.connectionId)?.role;
      if (role?.kind === 'agent') heardFrom(core, role.session, now);
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
    case 'committed': {
      const entries = core.commits.succeed(event.commitId);
      if (entries !== null) settleCommit(core, entries, event.outcomes, now);
      break;
    }
    case 'commitFailed':
      commitFailed(core, event.commitId, event.reason, now);
      break;
    case 'drain':
      startDraining(core, event.deadlineMs, event.reason, now);
      break;
    case 'tick':
      for (let timer = core.timers.popDue(now); timer !== null; timer = core.timers.popDue(now)) {
        timerIsDue(core, timer.due, now);
      }
      break;
    case 'flush':
      break;
  }
  flush(core, now);
}

/** Dispatches, starts the next commit, and ends a drain that has nothing left to wait for. */
function flush(core: CoreState, now: number): void {
  dispatch(core, now);
  beginCommit(core, now);
  if (core.operation.state === 'draining' && core.tasks.held === 0 && core.commits.idle) endDrain(core);
}

function beginCommit(core: CoreState, now: number): void {
  if (core.storeIsDown) return;
  for (let commit = core.commits.begin(); commit !== null; commit = core.commits.begin()) {
    const ops = [];
    for (const { op } of commit.entries) if (op !== null) ops.push(op);
    if (ops.length > 0) {
      core.act({ type: 'commit', commitId: commit.commitId, ops });
      return;
    }
    // only replies, and what they waited for is durable
    const entries = core.commits.succeed(commit.commitId);
    if (entries !== null) settleCommit(core, entries, [], now);
  }
}

function commitFailed(core: CoreState, commitId: number, reason: string, now: number): void {
  const lost = core.commits.fail(commitId, (entry) => entry.op?.op === 'submit');
  if (lost === null) return;
  const { storeRetryMs } = core.options;
  core.counters.failedCommits++;
  core.timers.set(core.storeRetryTimer, now + storeRetryMs);
  core.log('error', 'the store could not commit: no task is accepted until it can', {
    reason,
    retryMs: storeRetryMs,
    waiting: core.commits.pendingCount,
  });
  settleLost(core, lost, now);
}

function timerIsDue(core: CoreState, due: Due, now: number): void {
  switch (due.kind) {
    case 'task':
      taskIsDue(core, due.task, now);
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
      handshakeTimedOut(core, due.connectionId);
      return;
    case 'retention':
      core.tasks.forgetFinished(now);
      armRetention(core);
      return;
    case 'store-retry':
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
    if (role.kind !== 'unknown') core.send(id, { type: 'DrainNotice', reason, deadlineMs });
  }
  core.log('info', 'draining', { reason, leases: core.tasks.held, waiting: core.tasks.waiting });
}

function endDrain(core: CoreState): void {
  if (core.operation.state !== 'draining') return;
  core.timers.cancel(core.operation.timer);
  core.operation = { state: 'drained' };
  core.act({ type: 'drained', remaining: core.tasks.held });
}

function recover(core: CoreState, recovered: RecoveredState, now: number): void {
  for (const record of recovered.sessions) recoverSession(core, record, now);
  for (const stored of recovered.tasks) {
    const task = recoverTask(stored, now);
    core.tasks.add(task);
    const lease = activeLease(task);
    if (lease === null) activate(core, task);
    else resumeLease(core, task, lease.agentId, lease.deadlineAt, now);
  }
}

/** A lease found in the store waits for its agent; without a session there is nobody to wait for. */
function resumeLease(core: CoreState, task: Task, agentId: string, deadlineAt: number, now: number): void {
  const session = core.registry.get(agentId);
  if (session === undefined) {
    loseLease(core, task, null, `agent '${agentId}' has no session any more`, null, now);
    return;
  }
  session.leases.set(task.spec.taskId, task);
  core.scheduler.occupy(session.slot);
  task.timer = new Timer<Due>({ kind: 'task', task });
  core.timers.set(task.timer, deadlineAt);
}
