import type { SwarmEvent } from '../../protocol/messages.js';

/** What a subscriber wants to hear of; what is left out does not matter. */
export interface EventFilter {
  readonly kind?: string | undefined;
  readonly taskId?: string | undefined;
  readonly agentId?: string | undefined;
}

export function isWanted(filter: EventFilter, event: EventFilter): boolean {
  return (
    (filter.kind === undefined || filter.kind === event.kind) &&
    (filter.taskId === undefined || filter.taskId === event.taskId) &&
    (filter.agentId === undefined || filter.agentId === event.agentId)
  );
}

type Slot = { -readonly [Key in keyof Required<SwarmEvent>]: SwarmEvent[Key] };

/** The latest events, `size` of them. Noting one overwrites the oldest in place: nothing is allocated for each. */
export class RecentEvents {
  readonly #slots: Slot[] = [];
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  note(
    event: SwarmEvent['event'],
    at: number,
    taskId: string | undefined,
    kind: string | undefined,
    priority: number | undefined,
    attempt: number | undefined,
    agentId: string | undefined,
    agentType: SwarmEvent['agentType'],
    detail: string | undefined,
  ): void {
    const slot = this.#slots[this.#next];
    if (slot === undefined) {
      this.#slots.push({ event, at, taskId, kind, priority, attempt, agentId, agentType, detail });
    } else {
      slot.event = event;
      slot.at = at;
      slot.taskId = taskId;
      slot.kind = kind;
      slot.priority = priority;
      slot.attempt = attempt;
      slot.agentId = agentId;
      slot.agentType = agentType;
      slot.detail = detail;
    }
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The latest `count` that are wanted, oldest first. */
  latest(count: number, filter: EventFilter): SwarmEvent[] {
    const found: SwarmEvent[] = [];
    for (let back = 1; back <= this.#slots.length && found.length < count; back++) {
      const slot = this.#slots[(this.#next - back + this.#size) % this.#size];
      if (slot !== undefined && isWanted(filter, slot)) found.push(eventIn(slot));
    }
    return found.reverse();
  }
}

/** Without the fields that mean nothing to it. */
function eventIn({
  event,
  at,
  taskId,
  kind,
  priority,
  attempt,
  agentId,
  agentType,
  detail,
}: Slot): SwarmEvent {
  return {
    event,
    at,
    ...(taskId === undefined ? {} : { taskId }),
    ...(kind === undefined ? {} : { kind }),
    ...(priority === undefined ? {} : { priority }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(agentType === undefined ? {} : { agentType }),
    ...(detail === undefined ? {} : { detail }),
  };
}
