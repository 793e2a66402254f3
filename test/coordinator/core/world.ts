import assert from 'node:assert/strict';
import { CoordinatorCore, type Recovered } from '../../../src/coordinator/core/core.js';
import type { Action, CoreEvent, CoreOptions, CorePorts } from '../../../src/coordinator/core/contract.js';
import { DEFAULT_CORE_OPTIONS } from '../../../src/coordinator/core/options.js';
import type { Lease, Message, MessageOf, MessageType } from '../../../src/protocol/messages.js';
import type { RecoveredTask } from '../../../src/store/records.js';
import type { StoreOp, StoreOutcome } from '../../../src/store/store.js';
import { assertInvariants } from './invariants.js';
import { StoreDouble } from './store-double.js';

export const HEARTBEAT_MS = 10_000;
export const GRACE_MS = 60_000;
export const START = 1_700_000_000_000;

export interface Sent {
  readonly lane: string;
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
}

type CommitAction = Extract<Action, { type: 'commit' }>;

/**
 * A core with everything around it: a clock that moves when told, a store that answers at once (or when told), and peers
 * whose inboxes can be read. The invariants are checked after every event.
 */
export class World {
  now: number;
  readonly core: CoordinatorCore;
  readonly inboxes = new Map<string, Sent[]>();
  readonly closed = new Map<string, { readonly error: string; readonly reason: string }>();
  /** Every operation that was committed, in order. */
  readonly stored: StoreOp[] = [];
  readonly actions: Action[] = [];
  readonly store: StoreDouble;
  /** What the store says to an operation. By default it applies it when its condition holds, and what is said is checked against it. */
  decide: ((op: StoreOp) => StoreOutcome) | null = null;
  /** With false, commits wait for `commit` or `failCommit`. */
  autoCommit = true;
  waiting: CommitAction | null = null;
  #connections = 0;
  /** What `random.fraction` gives. */
  fraction = 0.5;
  facts = { version: 'test 1', memoryBytes: 1000, load: 0.25, dropped: {} };
  /** Nonces that the store is asked about; with `autoNonce` it answers at once. */
  nonceChecks: { readonly connectionId: string; readonly nonce: string }[] = [];
  autoNonce = true;
  /** When a packet last came on a connection; unknown for those that are not in it. */
  readonly packets = new Map<string, number>();
  /** Questions to the store that wait for an answer; with `autoRead` it answers at once. */
  lookups: { readonly lookupId: number; readonly taskId: string }[] = [];
  lists: Extract<Action, { type: 'list' }>[] = [];
  inputReads: Extract<Action, { type: 'readInputs' }>[] = [];
  trainingReads: string[] = [];
  stateReads: Extract<Action, { type: 'readStates' }>[] = [];
  resultReads: Extract<Action, { type: 'readResults' }>[] = [];
  autoRead = true;
  /** What the core said of clients that wait for the store. */
  intakeOpen = true;
  /** Called before each event; what it gives back is called after it. */
  watch: ((event: CoreEvent) => (actions: readonly Action[]) => void) | null = null;

  constructor(
    options: Partial<CoreOptions> = {},
    ports: Partial<CorePorts> = {},
    recovered?: Recovered & { readonly tasks?: readonly RecoveredTask[]; readonly store?: StoreDouble },
    now = START,
  ) {
    this.now = now;
    this.store = recovered?.store ?? new StoreDouble();
    this.core = new CoordinatorCore(
      {
        ...DEFAULT_CORE_OPTIONS,
        heartbeatIntervalMs: HEARTBEAT_MS,
        sessionGraceMs: GRACE_MS,
        coordinatorId: 'c1',
        builtInKinds: ['compute'],
        ...options,
      },
      {
        random: {
          token: () => `token-${++this.store.idsGiven}`,
          taskId: () => `task-${String(++this.store.idsGiven).padStart(6, '0')}`,
          fraction: () => this.fraction,
        },
        checkJoinToken: () => true,
        admit: (kind) =>
          kind === 'compute'
            ? { ok: true }
            : { ok: false, name: 'UNKNOWN_KIND', message: `no kind '${kind}'` },
        facts: () => this.facts,
        rttMs: () => null,
        heardAt: (connectionId) => this.packets.get(connectionId) ?? null,
        ...ports,
      },
      this.now,
      recovered,
    );
    this.core.recover(recovered?.tasks ?? [], this.now);
    this.turn({ type: 'flush' });
  }

  /** One event, as it is. */
  event(event: CoreEvent): readonly Action[] {
    const watched = this.watch?.(event);
    const actions = this.core.handle(event, this.now);
    assertInvariants(this.core);
    watched?.(actions);
    for (const action of actions) this.#carryOut(action);
    return actions;
  }

  /** One event, the flush after it, and the commits that follow (unless they are held). */
  turn(event: CoreEvent): void {
    this.event(event);
    if (event.type !== 'flush') this.event({ type: 'flush' });
    while (this.autoCommit && this.waiting !== null) this.commit();
    while (this.autoNonce && this.nonceChecks.length > 0) this.checkNonce();
    while (this.autoRead && this.#asked > 0) this.answerReads();
  }

  /** A core that finds what this one has stored, a millisecond later. */
  restart(options: Partial<CoreOptions> = {}, ports: Partial<CorePorts> = {}): World {
    return new World(options, ports, { ...this.store.recovered(), store: this.store }, this.now + 1);
  }

  get #asked(): number {
    const { lookups, lists, inputReads, trainingReads, stateReads, resultReads } = this;
    const all = [lookups, lists, inputReads, trainingReads, stateReads, resultReads];
    return all.reduce((sum, { length }) => sum + length, 0);
  }

  /** The store answers what it was asked, and what follows of it. */
  answerReads(): void {
    for (const { lookupId, taskId } of this.lookups.splice(0)) {
      this.turn({ type: 'found', lookupId, task: this.store.get(taskId) });
    }
    for (const { lookupId, filter } of this.lists.splice(0)) {
      this.turn({ type: 'listed', lookupId, tasks: this.store.list(filter) });
    }
    for (const taskId of this.trainingReads.splice(0)) {
      const found = {
        input: this.store.input(taskId),
        checkpoint: this.store.entries.get('checkpoint')?.get(taskId) ?? null,
      };
      this.turn({ type: 'trainingRead', taskId, found });
    }
    for (const { readId, taskIds } of this.inputReads.splice(0)) {
      this.turn({ type: 'inputsRead', readId, inputs: taskIds.map((taskId) => this.store.input(taskId)) });
    }
    for (const { readId, taskIds, key } of this.stateReads.splice(0)) {
      const states = taskIds.map((taskId) => this.store.state(taskId));
      const keyHolder = key === null ? null : this.store.keyHolder(key.idempotencyKey, key.at);
      this.turn({ type: 'statesRead', readId, found: { states, keyHolder } });
    }
    for (const { readId, taskId, resultsOf } of this.resultReads.splice(0)) {
      const results = resultsOf.map((needed) => this.store.result(needed));
      this.turn({ type: 'resultsRead', readId, found: { input: this.store.input(taskId), results } });
    }
  }

  /** The store answers the oldest question about a nonce. */
  checkNonce(): void {
    const check = this.nonceChecks.shift();
    assert.ok(check, 'the store is asked about a nonce');
    const { connectionId, nonce } = check;
    const fresh = !this.store.usedNonces.has(nonce);
    this.store.usedNonces.add(nonce);
    this.turn({ type: 'nonceChecked', connectionId, fresh });
  }

  commit(): void {
    const commit = this.waiting;
    assert.ok(commit, 'a commit is under way');
    this.waiting = null;
    this.stored.push(...commit.ops);
    const outcomes = commit.ops.map((op) => (this.decide === null ? this.store.apply(op) : this.decide(op)));
    this.event({ type: 'committed', commitId: commit.commitId, outcomes });
  }

  failCommit(reason = 'disk full'): void {
    const commit = this.waiting;
    assert.ok(commit, 'a commit is under way');
    this.waiting = null;
    this.event({ type: 'commitFailed', commitId: commit.commitId, reason });
  }

  /** Moves time on, with a tick at every deadline on the way. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let ticks = 0; ; ticks++) {
      assert.ok(ticks < 100_000, 'ticks come to an end');
      const deadline = this.core.nextDeadline();
      if (deadline === null || deadline > end) break;
      this.now = Math.max(this.now, deadline);
      this.turn({ type: 'tick' });
    }
    this.now = end;
  }

  connect(certificate: string | null = null, early = false): string {
    const connectionId = `conn-${++this.#connections}`;
    this.inboxes.set(connectionId, []);
    const address = `host:${this.#connections}`;
    this.turn({ type: 'connectionOpened', connectionId, address, certificate, early });
    return connectionId;
  }

  /** A new connection whose first message comes as early data; TLS is not complete before `established`. */
  early(message: Message, certificate: string | null = null): string {
    const connectionId = this.connect(certificate, true);
    this.turn({ type: 'message', connectionId, message, early: true });
    return connectionId;
  }

  established(connectionId: string, certificate: string | null = null): void {
    this.turn({ type: 'established', connectionId, certificate });
  }

  say(connectionId: string, message: Message, payload?: Uint8Array): void {
    this.turn({ type: 'message', connectionId, message, payload });
  }

  lose(connectionId: string, clean = false): void {
    this.turn({ type: 'connectionLost', connectionId, clean, reason: 'gone' });
  }

  /** Takes all that was sent to a connection since the last call. */
  take(connectionId: string): Sent[] {
    return this.inboxes.get(connectionId)?.splice(0) ?? [];
  }

  /** Takes the messages of one type that were sent to a connection; the others stay. */
  takeType<T extends MessageType>(connectionId: string, type: T): MessageOf<T>[] {
    const inbox = this.take(connectionId);
    this.inboxes.set(
      connectionId,
      inbox.filter(({ message }) => message.type !== type),
    );
    return messagesOf(inbox, type);
  }

  agent(agentId: string, more: Partial<MessageOf<'AgentHandshake'>> = {}, certificate?: string): AgentDouble {
    const connectionId = this.connect(certificate ?? null);
    this.say(connectionId, handshake(agentId, more));
    return new AgentDouble(this, connectionId, agentId);
  }

  /** The fields of all log lines with this text so far. */
  logs(msg: string): Extract<Action, { type: 'log' }>['fields'][] {
    const fields = [];
    for (const action of this.actions)
      if (action.type === 'log' && action.msg === msg) fields.push(action.fields);
    return fields;
  }

  /** `requests`: ids of requests that are not to be used again. */
  client(requests = 0): ClientDouble {
    const connectionId = this.connect();
    this.say(connectionId, {
      type: 'ClientHandshake',
      protocolVersions: [1],
      clientId: 'cli',
      software: 'test',
    });
    assert.equal(this.takeType(connectionId, 'ClientAck').length, 1);
    return new ClientDouble(this, connectionId, requests);
  }

  #carryOut(action: Action): void {
    this.actions.push(action);
    switch (action.type) {
      case 'send':
        assert.ok(!this.closed.has(action.connectionId), 'nothing is sent to a closed connection');
        this.inboxes
          .get(action.connectionId)
          ?.push({ lane: action.lane, message: action.message, payload: action.payload });
        if (action.message.type === 'AgentTask') this.#checkLease(action.connectionId, action.message);
        if (this.decide === null) this.#checkStored(action.message);
        return;
      case 'close':
        this.closed.set(action.connectionId, action);
        return;
      case 'commit':
        assert.equal(this.waiting, null, 'one commit at a time');
        this.waiting = action;
        return;
      case 'lookup':
        this.lookups.push(action);
        return;
      case 'list':
        this.lists.push(action);
        return;
      case 'readInputs':
        assert.equal(this.inputReads.length, 0, 'one read of inputs at a time');
        this.inputReads.push(action);
        return;
      case 'readTraining':
        this.trainingReads.push(action.taskId);
        return;
      case 'readStates':
        this.stateReads.push(action);
        return;
      case 'readResults':
        this.resultReads.push(action);
        return;
      case 'intake':
        this.intakeOpen = action.open;
        return;
      case 'consumeNonce':
        this.nonceChecks.push(action);
        return;
      case 'log':
      case 'stop':
      case 'drained':
      case 'logLevel':
      case 'keepPattern':
      case 'patternOutcome':
      case 'findPatterns':
    }
  }

  /** Nothing is acknowledged, and no end told, before it is stored. */
  #checkStored(message: Message): void {
    if (message.type === 'MessageAck') {
      for (const taskId of message.taskIds) {
        if (message.status !== 'received') continue;
        assert.ok(this.store.submitted.has(taskId), `${taskId} is stored before it is acknowledged`);
      }
    } else if (message.type === 'TaskUpdate') {
      const { taskId, state, finishedAt } = message.task;
      const row = this.store.rows.get(taskId);
      assert.ok(row, `${taskId} is stored before it is told of`);
      const retried = row.history.some(({ event }) => event === 'retry');
      if (finishedAt !== undefined && !retried) assert.equal(row.current.state, state, 'the end is stored');
    }
  }

  #checkLease(connectionId: string, { taskId, epoch }: Lease): void {
    assert.ok(epoch > (this.store.epochsSent.get(taskId) ?? 0), 'each lease of a task has a larger epoch');
    this.store.epochsSent.set(taskId, epoch);
    const role = this.core.state.connections.get(connectionId)?.role;
    assert.ok(role?.kind === 'agent', 'a task is sent to an agent');
    assert.ok(role.session.slot.used <= role.session.slot.credit, 'never more leases than credit');
  }
}

export function messagesOf<T extends MessageType>(sent: readonly Sent[], type: T): MessageOf<T>[] {
  return sent.map((one) => one.message).filter((message): message is MessageOf<T> => message.type === type);
}

export function handshake(
  agentId: string,
  more: Partial<MessageOf<'AgentHandshake'>> = {},
): MessageOf<'AgentHandshake'> {
  return {
    type: 'AgentHandshake',
    protocolVersions: [1],
    agentId,
    agentType: 'worker',
    kinds: ['compute'],
    concurrency: 1,
    software: 'test',
    ...more,
  };
}

export class AgentDouble {
  constructor(
    readonly world: World,
    readonly connectionId: string,
    readonly agentId: string,
  ) {}

  /** The AgentAck that it must have got by now. */
  ack(): MessageOf<'AgentAck'> {
    const [ack] = this.world.takeType(this.connectionId, 'AgentAck');
    assert.ok(ack, `${this.agentId} has its AgentAck`);
    return ack;
  }

  takeTasks(): MessageOf<'AgentTask'>[] {
    return this.world.takeType(this.connectionId, 'AgentTask');
  }

  takeTask(): MessageOf<'AgentTask'> {
    const tasks = this.takeTasks();
    assert.equal(tasks.length, 1, `${this.agentId} has one new task`);
    const [task] = tasks;
    assert.ok(task);
    return task;
  }

  say(message: Message, payload?: Uint8Array): void {
    this.world.say(this.connectionId, message, payload);
  }

  complete(lease: Lease, result: Uint8Array = new Uint8Array([7])): void {
    this.say(completion(lease, { outcome: 'completed' }), result);
  }

  fail(lease: Lease, retryable: boolean): void {
    const error = { name: 'BOOM', message: 'it went wrong', retryable };
    this.say(completion(lease, { outcome: 'failed', error }));
  }

  heartbeat(more: Partial<MessageOf<'HeartbeatMessage'>> = {}): void {
    this.say({
      type: 'HeartbeatMessage',
      sequence: 1,
      sentAt: 0,
      load: 0,
      activeTasks: 0,
      queuedTasks: 0,
      memoryBytes: 0,
      ...more,
    });
  }

  errors(): string[] {
    return this.world.takeType(this.connectionId, 'ErrorReport').map((error) => error.name);
  }
}

export function completion(
  { taskId, attempt, epoch }: Lease,
  more: Partial<MessageOf<'TaskCompletion'>> & Pick<MessageOf<'TaskCompletion'>, 'outcome'>,
): MessageOf<'TaskCompletion'> {
  return { type: 'TaskCompletion', taskId, attempt, epoch, runMs: 5, ...more };
}

export class ClientDouble {
  #requests: number;
  constructor(
    readonly world: World,
    readonly connectionId: string,
    requests = 0,
  ) {
    this.#requests = requests;
  }

  /** Sends a submit; what comes back is in the inbox. Returns its request id. */
  send(more: Partial<MessageOf<'SubmitTask'>> = {}, input: Uint8Array = new Uint8Array([1, 2, 3])): number {
    const requestId = ++this.#requests;
    this.world.say(
      this.connectionId,
      { type: 'SubmitTask', requestId, kind: 'compute', watch: false, ...more },
      input,
    );
    return requestId;
  }

  /** Submits and returns the task id of the acknowledgement. */
  submit(more: Partial<MessageOf<'SubmitTask'>> = {}, input?: Uint8Array): string {
    const requestId = this.send(more, input);
    const inbox = this.world.inboxes.get(this.connectionId) ?? [];
    const at = inbox.findIndex(
      ({ message }) => message.type === 'MessageAck' && message.requestIds.includes(requestId),
    );
    const message = inbox.splice(at, at === -1 ? 0 : 1)[0]?.message;
    assert.ok(message?.type === 'MessageAck', 'the submit is acknowledged');
    const taskId = message.taskIds[message.requestIds.indexOf(requestId)];
    assert.ok(taskId);
    return taskId;
  }

  ask(message: Message): Sent[] {
    this.world.say(this.connectionId, message);
    return this.world.take(this.connectionId);
  }

  query(taskId: string): MessageOf<'TaskUpdate'>['task'] {
    const [update] = messagesOf(
      this.ask({ type: 'QueryTask', requestId: ++this.#requests, taskId }),
      'TaskUpdate',
    );
    assert.ok(update, 'the query is answered');
    return update.task;
  }

  retry(taskId: string): Sent[] {
    return this.ask({ type: 'RetryTask', taskId, requestId: ++this.#requests });
  }

  list(more: Partial<MessageOf<'QueryTasks'>> = {}): MessageOf<'TasksReport'> {
    const requestId = ++this.#requests;
    const [report] = messagesOf(this.ask({ type: 'QueryTasks', requestId, ...more }), 'TasksReport');
    assert.ok(report, 'the list is given');
    assert.equal(report.requestId, requestId);
    return report;
  }

  cancel(taskId: string): Sent[] {
    return this.ask({ type: 'CancelTask', taskId, requestId: ++this.#requests, reason: 'cancelled' });
  }
}
