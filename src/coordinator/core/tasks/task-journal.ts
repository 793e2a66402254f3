import type { TaskHistoryEntry } from '../../../protocol/messages.js';

type Event = TaskHistoryEntry['event'];

/** Transitions remembered, over all tasks. */
const JOURNAL_LENGTH = 4096;

/**
 * The latest transitions of all tasks, for the story of an error. The full history of each task is in the store: in
 * memory it would be the larger part of a million waiting tasks.
 */
export class TaskJournal {
  readonly #taskIds: string[] = new Array<string>(JOURNAL_LENGTH).fill('');
  readonly #events: Event[] = new Array<Event>(JOURNAL_LENGTH).fill('submit');
  readonly #times = new Float64Array(JOURNAL_LENGTH);
  #next = 0;

  record(taskId: string, event: Event, at: number): void {
    const index = this.#next % JOURNAL_LENGTH;
    this.#taskIds[index] = taskId;
    this.#events[index] = event;
    this.#times[index] = at;
    this.#next = index + 1;
  }

  /** What it remembers of one task, oldest first. */
  storyOf(taskId: string): TaskHistoryEntry[] {
    const story: TaskHistoryEntry[] = [];
    for (let i = 0; i < JOURNAL_LENGTH; i++) {
      const index = (this.#next + i) % JOURNAL_LENGTH;
      const event = this.#events[index];
      const at = this.#times[index];
      if (this.#taskIds[index] !== taskId || event === undefined || at === undefined) continue;
      story.push({ event, at });
    }
    return story;
  }
}
