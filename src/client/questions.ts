import type { LogLevel, Message, MessageOf, RecurringSummary, TaskSummary } from '../protocol/messages.js';
import { wrongAnswer } from './answers.js';
import { patternsBody, type PatternQuery, type PatternReport } from './patterns.js';
import { isReasoningReport, type ReasoningReport, type TaskWorth } from './reasoning.js';
import { recurringBody, type RecurringRequest } from './recurring.js';
import type { RequestBody } from './requests.js';
import { encodeInput, type TaskQuery, type TaskReport } from './task.js';

/** What a coordinator is asked, or asked to change, with one answer. */
export abstract class Questions {
  /** Sends a request that has one answer. */
  protected abstract once(
    body: RequestBody,
    payload?: Uint8Array | null,
  ): Promise<{ readonly message: Message; readonly value: unknown }>;

  /** How a task stands now, what happened to it, and its result (null unless it is completed and kept). */
  async task(taskId: string): Promise<TaskReport> {
    const { message, value } = await this.once({ type: 'QueryTask', taskId });
    if (message.type !== 'TaskUpdate') throw wrongAnswer(message);
    return { task: message.task, history: message.history ?? [], result: value };
  }

  /** Tasks that match, the newest submission first; with `more`, ask again with `before` for the older ones. */
  async tasks(
    filter: TaskQuery = {},
  ): Promise<{ readonly tasks: readonly TaskSummary[]; readonly more: boolean }> {
    const { message } = await this.once({ type: 'QueryTasks', ...filter });
    if (message.type !== 'TasksReport') throw wrongAnswer(message);
    return { tasks: message.tasks, more: message.more };
  }

  /** Resolves when the cancellation is stored; rejects with TaskRejected TASK_FINISHED or UNKNOWN_TASK. */
  async cancel(taskId: string): Promise<void> {
    await this.once({ type: 'CancelTask', taskId, reason: 'cancelled' });
  }

  /**
   * Queues a task once more that failed, is dead or was cancelled, with all its attempts. Resolves when that is stored;
   * rejects with TaskRejected TASK_NOT_RETRYABLE or UNKNOWN_TASK.
   */
  async retry(taskId: string): Promise<void> {
    await this.once({ type: 'RetryTask', taskId });
  }

  /** Gives no more tasks of a kind to agents until it is resumed; what runs, ends. Resolves when that is stored. */
  async pause(kind: string): Promise<void> {
    await this.once({ type: 'PauseKind', kind });
  }

  /** Gives tasks of a paused kind out again. Resolves when that is stored. */
  async resume(kind: string): Promise<void> {
    await this.once({ type: 'ResumeKind', kind });
  }

  /**
   * Has a task submitted at the times of a cron expression. Resolves when that is stored.
   * @throws TaskInputError before anything is sent, when the kind is built in and the input does not fit it.
   */
  async addRecurring(request: RecurringRequest): Promise<void> {
    await this.once(recurringBody(request), encodeInput(request.task));
  }

  /** Ends a recurring task; what it has submitted goes on. Resolves when that is stored. */
  async removeRecurring(name: string): Promise<void> {
    await this.once({ type: 'DropRecurring', name });
  }

  /** The recurring tasks, by name. */
  async recurring(): Promise<readonly RecurringSummary[]> {
    const { message } = await this.once({ type: 'QueryRecurring' });
    if (message.type !== 'RecurringReport') throw wrongAnswer(message);
    return message.recurring;
  }

  /** How the coordinator is: agents, tasks and queue by kind, memory, what was dropped. The fields: StatusReport of the protocol. */
  async status(): Promise<MessageOf<'StatusReport'>> {
    const { message } = await this.once({ type: 'QueryStatus' });
    if (message.type !== 'StatusReport') throw wrongAnswer(message);
    return message;
  }

  /** The agents it knows. */
  async agents(): Promise<MessageOf<'AgentsReport'>['agents']> {
    const { message } = await this.once({ type: 'QueryAgents' });
    if (message.type !== 'AgentsReport') throw wrongAnswer(message);
    return message.agents;
  }

  /**
   * Has the coordinator, or the process of a connected agent, log from this level on until it ends. Rejects with
   * TaskRejected UNKNOWN_AGENT, or NOT_SUPPORTED by a coordinator that is part of another program.
   */
  async setLogLevel(level: LogLevel, agentId?: string): Promise<void> {
    await this.once({ type: 'SetLogLevel', level, ...(agentId === undefined ? {} : { agentId }) });
  }

  /**
   * Says what came of the result of a task, once that is known. Resolves when it is stored. Rejects with TaskRejected:
   * UNKNOWN_TASK; NO_FORECAST when the task is not completed, or `actual` has no forecast to be compared with;
   * OUTCOME_KNOWN when it was said before.
   */
  async reportOutcome(taskId: string, outcome: TaskWorth): Promise<void> {
    await this.once({ type: 'ReportOutcome', taskId, ...outcome });
  }

  /** What was learned, of all agents or of one. */
  async reasoning(agentId?: string): Promise<ReasoningReport> {
    const { message, value } = await this.once({
      type: 'QueryReasoning',
      ...(agentId === undefined ? {} : { agentId }),
    });
    if (message.type !== 'ReasoningReport' || !isReasoningReport(value)) throw wrongAnswer(message);
    return value;
  }

  /**
   * The patterns most like a series or the pattern of a task, what was forecast from them and what came; with neither, only
   * how many are kept. Rejects with TaskRejected: UNKNOWN_TASK when the pattern of that task is not kept; NOT_SUPPORTED when
   * the coordinator keeps none; BAD_FIELD for a series that is constant, too short or too long.
   */
  async patterns(query: PatternQuery = {}): Promise<PatternReport> {
    const { message } = await this.once(patternsBody(query));
    if (message.type !== 'PatternsReport') throw wrongAnswer(message);
    const { store, patterns, withOutcome, similar } = message;
    return { store, patterns, withOutcome, similar };
  }
}
