import assert from 'node:assert/strict';
import { TASK_STATES, type TaskState } from '../../../src/protocol/messages.js';
import type { CoordinatorCore } from '../../../src/coordinator/core/core.js';
import type { Session } from '../../../src/coordinator/core/sessions/sessions.js';
import type { CoreState } from '../../../src/coordinator/core/state.js';
import { activeLease, isFinished, type Task } from '../../../src/coordinator/core/tasks/task.js';

/** Checks that the parts of a core tell the same story. Called after every step of a test. */
export function assertInvariants(core: CoordinatorCore): void {
  const { state } = core;
  let ready = 0;
  let held = 0;
  let inputBytes = 0;
  let cachedBytes = 0;
  const counts = Object.fromEntries(TASK_STATES.map((name) => [name, 0])) as Record<TaskState, number>;
  for (const task of state.tasks.values()) {
    checkTask(state, task);
    counts[task.phase.state]++;
    if (!isFinished(task.phase)) {
      inputBytes += task.inputBytes;
      cachedBytes += task.input?.byteLength ?? 0;
    }
    if (state.ready.has(task)) ready++;
    if (activeLease(task) !== null) held++;
  }
  assert.equal(state.ready.size, ready, 'the ready queue holds all and only the ready tasks');
  assert.equal(state.tasks.inputBytes, inputBytes);
  assert.equal(state.tasks.cachedBytes, cachedBytes);
  for (const task of [...state.inputs.loaded, ...state.overdue]) assert.ok(state.ready.has(task));
  assert.equal(state.tasks.held, held);
  const counted = state.tasks.countByState();
  for (const name of ['queued', 'delayed', 'blocked', 'leased', 'running', 'retrying'] as const) {
    assert.equal(counted[name], counts[name], `count of ${name} tasks`);
  }
  let leases = 0;
  for (const session of state.registry.values()) {
    checkSession(state, session);
    leases += session.leases.size;
  }
  for (const training of state.trainings.values()) {
    if (activeLease(training.task) === training.lease) leases++;
    for (const shard of training.shards.values()) {
      assert.equal(state.trainings.shard(shard.taskId), shard);
      assert.ok(shard.session.shards.has(shard), 'an agent has each shard');
    }
  }
  assert.equal(leases, held, 'every lease belongs to one session, or to a training');
  checkKindLimits(state);
}

function checkTask(core: CoreState, task: Task): void {
  const { spec, phase } = task;
  const name = `task ${spec.taskId} (${phase.state})`;
  const isReady = core.ready.has(task);
  const waitsForStore = spec.idempotencyKey !== null && !task.stored;
  if (phase.state === 'queued') assert.ok(isReady !== waitsForStore, `${name} is ready`);
  else assert.ok(!isReady, `${name} is not ready`);
  const lease = activeLease(task);
  const timed = lease !== null || phase.state === 'delayed' || phase.state === 'retrying';
  if (timed) assert.ok(task.index !== -1 || waitsForStore, `${name} has a deadline`);
  else assert.equal(task.index, -1, `${name} has no deadline`);
  assert.ok(task.attempts <= spec.maxAttempts, `${name} has had at most ${spec.maxAttempts} attempts`);
  if (isFinished(phase)) assert.equal(task.input, null, `${name} keeps no input`);
  else assert.ok(task.stored || task.input !== null, `${name} has its input until the store has it`);
  if (task.stored) assert.ok(task.input === null || task.input.byteLength === task.inputBytes);
  if (lease === null) return;
  assert.equal(lease.epoch, task.epoch, `${name} has its latest epoch`);
  const training = core.trainings.get(spec.taskId);
  if (training !== undefined) {
    assert.equal(training.lease.agentId, lease.agentId, `${name} is the coordinator's own`);
    return;
  }
  assert.equal(task.list, core.registry.get(lease.agentId)?.leases, `${name} is on its agent's list`);
}

function checkSession(core: CoreState, session: Session): void {
  const { slot, phase, agentId } = session;
  assert.equal(
    slot.used,
    session.leases.size + session.stopping.size + session.shards.size,
    `${agentId}: credit taken`,
  );
  assert.equal(slot.available, phase.state === 'connected', `${agentId}: available when connected`);
  assert.equal(slot.list !== null, slot.available && slot.used < slot.credit, `${agentId}: listed when free`);
  for (const task of session.leases) assert.equal(activeLease(task)?.agentId, agentId);
  if (phase.state === 'disconnected') {
    assert.equal(session.stopping.size, 0);
    assert.equal(session.timer.at, phase.graceUntil);
    assert.notEqual(session.timer.index, -1);
  } else {
    const role = core.connections.get(phase.connectionId)?.role;
    assert.ok(role?.kind === 'agent' && role.session === session, `${agentId}: its connection knows it`);
    if (phase.state === 'connected')
      assert.notEqual(session.timer.index, -1, `${agentId}: silence is watched`);
  }
}

/** Leases and those told to stop, by kind, are within the limit; after a restart or a change of it they may be above. */
function checkKindLimits(core: CoreState): void {
  for (const [kind, { concurrency }] of core.options.kindLimits) {
    let running = 0;
    for (const training of core.trainings.values()) if (training.task.spec.kind === kind) running++;
    for (const session of core.registry.values()) {
      for (const task of session.leases) if (task.spec.kind === kind) running++;
      for (const { due } of session.stopping.values()) {
        if (due.kind === 'stopping' && due.taskKind === kind) running++;
      }
    }
    assert.ok(
      concurrency === null || running <= concurrency,
      `${kind}: ${running} of ${concurrency} at once`,
    );
    const full = concurrency !== null && running >= concurrency;
    assert.equal(core.limits.startableAt(kind) === Infinity, full, `${kind}: the limit knows what runs`);
  }
}
