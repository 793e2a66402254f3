import type { Message, MessageOf, TaskSummary } from '../../src/protocol/messages.js';
import type { Agenda } from './agenda.js';
import type { CoordinatorHost } from './coordinator-host.js';
import type { Luck } from './luck.js';
import type { Network, Path, PeerEnd, Wire } from './network.js';
import { encodeTaskInput, planTask, type TaskPlan } from './plans.js';
import { Process } from './process.js';
import type { Referee } from './referee.js';

const LONGEST_BACKOFF_MS = 3000;
/** No answer to an attempt to connect, or to a request on a dark path. */
const PATIENCE_MS = 10_000;
const RETRY_SUBMIT_MS = 500;
/** Of the tasks that were accepted, those that later ones may need. */
const REMEMBERED = 200;
/** A task with needs is submitted when the next one has been accepted, which has hardly begun then; at the latest after this. */
const LONGEST_WAIT_MS = 60_000;

export interface ClientCounters {
  submits: number;
  repeated: number;
  /** Questions about tasks that had ended so long ago that they were no longer kept. */
  askedTooLate: number;
  refused: number;
  /** Without a key, and the connection was lost before the answer: whether it was stored is not known. */
  givenUp: number;
  /** Submits that need what is no longer kept. */
  needsGone: number;
  updates: number;
  cancels: number;
  cancelsRefused: number;
  retries: number;
  retriesRefused: number;
  connections: number;
}

export interface ClientWorld {
  readonly seed: number;
  readonly agenda: Agenda;
  readonly network: Network;
  readonly coordinator: CoordinatorHost;
  readonly referee: Referee;
  readonly counters: ClientCounters;
}

/** A plan with the ids of the tasks that it needs. */
interface Submission extends TaskPlan {
  readonly needIds: readonly string[];
}

type Request =
  | { readonly kind: 'submit'; readonly plan: Submission }
  | { readonly kind: 'watch'; readonly plan: Submission; readonly taskId: string }
  | { readonly kind: 'cancel'; readonly taskId: string }
  | { readonly kind: 'retry'; readonly plan: Submission; readonly taskId: string };

/** A client: submits, watches, now and then cancels, retries or repeats itself; across lost connections. It never dies. */
export class ClientHost extends Process {
  readonly path: Path;
  readonly #luck: Luck;
  readonly #world: ClientWorld;
  readonly #requests = new Map<number, Request>();
  #lastRequestId = 0;
  /** Of a connection that is ready. */
  #wire: Wire | null = null;
  #attempt = 0;
  /** What is to be asked on the next connection. */
  #waiting: Request[] = [];
  /** The latest tasks of its own that it knows, the newest last. */
  readonly #accepted: string[] = [];
  readonly #dependents = new Set<TaskPlan>();

  constructor(
    readonly name: string,
    path: Path,
    luck: Luck,
    world: ClientWorld,
  ) {
    super(world.agenda);
    this.path = path;
    this.#luck = luck;
    this.#world = world;
  }

  /** Requests without their final answer. */
  get open(): number {
    return this.#requests.size + this.#waiting.length + this.#dependents.size;
  }

  start(): void {
    this.begin();
    this.#dial(0);
  }

  submit(number: number): void {
    this.#world.counters.submits++;
    const task = planTask(this.#world.seed, number);
    if (task.needs === null) {
      this.#submit({ ...task, needIds: [] });
      return;
    }
    this.#dependents.add(task);
    this.timer(this.agenda.now + LONGEST_WAIT_MS, () => this.#submitDependent(task));
  }

  #submitDependent(task: TaskPlan): void {
    if (!this.#dependents.delete(task)) return;
    const known = (task.needs?.back ?? []).flatMap((back) => this.#accepted.at(-1 - back) ?? []);
    const needIds = [...new Set(known)];
    this.#submit({ ...task, needs: needIds.length === 0 ? null : task.needs, needIds });
  }

  #submit(plan: Submission): void {
    this.#ask({ kind: 'submit', plan });
    if (plan.submitTwice) this.#ask({ kind: 'submit', plan: onlyTheTask(plan) });
  }

  #dial(backoffMs: number): void {
    const attempt = ++this.#attempt;
    const isCurrent = () => this.#attempt === attempt;
    const end: PeerEnd = {
      name: this.name,
      process: this,
      life: this.life,
      closed: () => {
        if (isCurrent()) this.#lost();
      },
      established: (wire) => {
        const { coordinator } = this.#world;
        if (!isCurrent()) {
          wire.close('peer', 0, 'too late');
          return;
        }
        wire.toCoordinator('control', () =>
          coordinator.fromClient(wire, {
            type: 'ClientHandshake',
            protocolVersions: [1],
            clientId: this.name,
            software: 'simulated',
          }),
        );
      },
      receive: (wire, message) => {
        if (!isCurrent()) return;
        if (message.type === 'ClientAck') this.#ready(wire);
        else this.#receive(message);
      },
    };
    this.timer(this.agenda.now + backoffMs, () => {
      if (isCurrent()) this.#world.network.connect(this.path, end, null);
    });
    this.timer(this.agenda.now + backoffMs + PATIENCE_MS, () => {
      if (isCurrent() && this.#wire === null) this.#lost();
    });
  }

  #ready(wire: Wire): void {
    this.#wire = wire;
    this.#world.counters.connections++;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const request of waiting) this.#ask(request);
  }

  /** What may be asked twice is asked again on the next connection. */
  #lost(): void {
    this.#wire = null;
    for (const request of this.#requests.values()) {
      if (request.kind === 'submit' && !request.plan.hasKey) this.#world.counters.givenUp++;
      else if (request.kind !== 'cancel') this.#waiting.push(request);
    }
    this.#requests.clear();
    this.#dial(this.#luck.between(0, LONGEST_BACKOFF_MS));
  }

  #ask(request: Request): void {
    const wire = this.#wire;
    if (wire === null) {
      this.#waiting.push(request);
      return;
    }
    const requestId = ++this.#lastRequestId;
    this.#requests.set(requestId, request);
    const { coordinator } = this.#world;
    switch (request.kind) {
      case 'submit': {
        const message = submitMessage(request.plan, requestId);
        const input = encodeTaskInput(request.plan, request.plan.needIds);
        wire.toCoordinator('control', () => coordinator.fromClient(wire, message, input));
        return;
      }
      case 'watch': {
        const message = { type: 'WatchTask', requestId, taskId: request.taskId } as const;
        wire.toCoordinator('control', () => coordinator.fromClient(wire, message));
        return;
      }
      case 'cancel': {
        const { taskId } = request;
        const message = { type: 'CancelTask', requestId, taskId, reason: 'cancelled' } as const;
        wire.toCoordinator('control', () => coordinator.fromClient(wire, message));
        return;
      }
      case 'retry': {
        const message = { type: 'RetryTask', requestId, taskId: request.taskId } as const;
        wire.toCoordinator('control', () => coordinator.fromClient(wire, message));
        return;
      }
    }
  }

  #receive(message: Message): void {
    switch (message.type) {
      case 'MessageAck':
        message.requestIds.forEach((requestId, index) => {
          const taskId = message.taskIds[index];
          if (taskId !== undefined) this.#acknowledged(requestId, taskId);
        });
        return;
      case 'TaskUpdate':
        this.#updated(message.requestId, message.task);
        return;
      case 'ErrorReport':
        if (message.requestId !== undefined) this.#refused(message.requestId, message);
        return;
      default:
        return;
    }
  }

  #acknowledged(requestId: number, taskId: string): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    switch (request.kind) {
      case 'submit':
        this.#stored(requestId, request.plan, taskId);
        return;
      case 'retry':
        this.#requests.delete(requestId);
        this.#ask({ kind: 'watch', plan: request.plan, taskId });
        return;
      default:
        this.#requests.delete(requestId);
    }
  }

  /** The submit is stored; from now on the same request watches. */
  #stored(requestId: number, plan: Submission, taskId: string): void {
    const { referee, counters } = this.#world;
    if (!this.#accepted.includes(taskId)) {
      this.#accepted.push(taskId);
      if (this.#accepted.length > REMEMBERED) this.#accepted.shift();
      for (const dependent of this.#dependents) {
        this.#submitDependent(dependent);
        break;
      }
    }
    referee.acknowledged(plan, taskId, this.agenda.now);
    this.#requests.set(requestId, { kind: 'watch', plan, taskId });
    if (plan.cancelAfterMs !== null) {
      this.timer(this.agenda.now + plan.cancelAfterMs, () => {
        counters.cancels++;
        this.#ask({ kind: 'cancel', taskId });
      });
    }
    if (plan.submitTwice) {
      this.timer(this.agenda.now + this.#luck.gap(2000), () => {
        counters.repeated++;
        this.#ask({ kind: 'submit', plan: onlyTheTask(plan) });
      });
    }
  }

  #updated(requestId: number, task: TaskSummary): void {
    const request = this.#requests.get(requestId);
    if (request?.kind === 'submit') {
      // The end came before the acknowledgement: it says the task itself.
      this.#stored(requestId, request.plan, task.taskId);
      this.#updated(requestId, task);
      return;
    }
    if (request?.kind !== 'watch' || task.finishedAt === undefined) return;
    const { counters, referee } = this.#world;
    counters.updates++;
    referee.note(task.taskId, this.agenda.now, `${this.name} knows that it is ${task.state}`);
    this.#requests.delete(requestId);
    if (task.state === 'completed' || !request.plan.retryWhenEnded) return;
    counters.retries++;
    this.#ask({
      kind: 'retry',
      plan: { ...request.plan, retryWhenEnded: false },
      taskId: task.taskId,
    });
  }

  #refused(requestId: number, report: MessageOf<'ErrorReport'>): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    const { counters, referee } = this.#world;
    this.#requests.delete(requestId);
    switch (report.name) {
      case 'QUEUE_FULL':
      case 'STORE_UNAVAILABLE':
      case 'STORE_FULL':
      case 'TOO_MANY_REQUESTS':
      case 'DRAINING': {
        if (request.kind === 'submit') counters.refused++;
        const ms = (report.retryAfterMs ?? RETRY_SUBMIT_MS) * this.#luck.between(1, 2);
        this.timer(this.agenda.now + ms, () => this.#ask(request));
        return;
      }
      case 'TASK_FINISHED':
        if (request.kind !== 'cancel') break;
        counters.cancelsRefused++;
        return;
      case 'UNKNOWN_TASK':
        if (request.kind === 'cancel') {
          counters.cancelsRefused++;
          return;
        }
        if (request.kind === 'submit' && request.plan.needIds.some((taskId) => !referee.knows(taskId))) {
          counters.needsGone++;
          return;
        }
        // What was acknowledged is in the referee's books until it has ended and the disk no longer keeps it.
        if (request.kind === 'submit' || referee.knows(request.taskId)) break;
        counters.askedTooLate++;
        return;
      case 'TASK_NOT_RETRYABLE':
        if (request.kind !== 'retry') break;
        // Asked a second time on a new connection: the first one took effect.
        counters.retriesRefused++;
        this.#ask({ kind: 'watch', plan: request.plan, taskId: request.taskId });
        return;
    }
    const taskId = 'taskId' in request ? request.taskId : 'new';
    throw referee.violation(taskId, `a ${request.kind} was refused: ${report.name}: ${report.message}`);
  }
}

/** The same task again, without what its client does besides. */
function onlyTheTask(plan: Submission): Submission {
  return { ...plan, submitTwice: false, cancelAfterMs: null };
}

function submitMessage(plan: Submission, requestId: number): MessageOf<'SubmitTask'> {
  const { kind, priority, attempts, timeoutMs, delayMs, affinity, hasKey, number, needs, needIds } = plan;
  return {
    type: 'SubmitTask',
    requestId,
    kind,
    priority,
    attempts,
    timeoutMs,
    watch: true,
    ...(delayMs > 0 ? { delayMs } : {}),
    ...(affinity === null ? {} : { affinity }),
    ...(hasKey ? { idempotencyKey: `key of ${number}` } : {}),
    ...(needs === null ? {} : { needs: [...needIds], onFailedNeed: needs.onFailed }),
  };
}
