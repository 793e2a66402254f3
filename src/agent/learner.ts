import type { Clock } from '../observe/clock.js';
import type { Log } from '../observe/log.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import type { AgentOptions } from './agent-options.js';
import { Reasoner } from './reasoner.js';
import type { RunRequest } from './runner.js';
import { AgentSettings } from './settings.js';
import type { HeldTask } from './work-core.js';

export interface LearnerListener {
  send(message: Message): void;
  /** Tasks that start from now on work with these values. */
  adapted(command: MessageOf<'AdaptationCommand'>): void;
}

/** What an agent has to do with learning: it changes its parameters as it is told, and, of type `reasoning`, judges. */
export class Learner {
  readonly #options: Pick<AgentOptions, 'agentId' | 'state'>;
  readonly #log: Log;
  readonly #listener: LearnerListener;
  readonly #settings: AgentSettings;
  readonly #reasoner: Reasoner | null;

  constructor(options: AgentOptions, clock: Clock, log: Log, listener: LearnerListener) {
    const { state, agentType, reasoning } = options;
    this.#options = options;
    this.#log = log;
    this.#listener = listener;
    this.#settings = new AgentSettings(state?.settings);
    const send = (verdict: Message) => listener.send(verdict);
    this.#reasoner = agentType === 'reasoning' ? new Reasoner(reasoning, { clock, log, send }) : null;
  }

  /** The run of a task as it is to be now. */
  request({ lease, kind, payload, memories, traceparent }: HeldTask): RunRequest {
    const settings = this.#settings.of(kind);
    const plain = { taskId: lease.taskId, kind, payload };
    if (settings === undefined && memories === undefined && traceparent === undefined) return plain;
    return {
      ...plain,
      ...(settings === undefined ? {} : { settings }),
      ...(memories === undefined ? {} : { memories }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
  }

  /** A resumed session goes on with the values it had; a new one begins with the kinds' own defaults. */
  joined(resumed: boolean): void {
    if (resumed) return;
    this.#settings.clear();
    void this.#options.state?.saveSettings({});
  }

  /** Acknowledges once the values are kept, since a resumed session is taken to have them. */
  adapt(command: MessageOf<'AdaptationCommand'>): void {
    const { agentId, state } = this.#options;
    const { adaptationId, kind } = command;
    const ack = this.#settings.apply(command);
    if (ack.outcome === 'refused') {
      const fields = { agentId, adaptationId, kind, reason: ack.reason };
      this.#log.warn(fields, 'a change of parameters is refused');
      this.#listener.send(ack);
      return;
    }
    this.#log.info({ agentId, adaptationId, kind }, 'parameters changed');
    this.#listener.adapted(command);
    if (state === undefined) this.#listener.send(ack);
    else void state.saveSettings(this.#settings.plain).then(() => this.#listener.send(ack));
  }

  /** Answers an experience that is to be judged with a verdict. */
  judge(message: MessageOf<'ReasoningExperience'>): void {
    void this.#reasoner?.judge(message);
  }

  /** Nothing is judged any more. */
  close(): void {
    this.#reasoner?.close();
  }
}
