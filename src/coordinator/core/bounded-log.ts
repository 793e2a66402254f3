import type { Action } from './contract.js';
import type { CoreState } from './state.js';
import type { Due } from './due.js';
import { Timer } from './timers.js';

/** One line of each topic in this time, however much happens. */
export const LOG_INTERVAL_MS = 1_000;

type Line = Pick<Extract<Action, { type: 'log' }>, 'level' | 'msg' | 'fields'>;

/** What has been said of a topic lately. It exists for `LOG_INTERVAL_MS` after each line. */
export interface LogTopic {
  readonly timer: Timer<Due>;
  /** How often it happened since the last line. */
  count: number;
  /** The latest of them. */
  line: Line;
}

/**
 * Logs what strangers can set off at will: the first of a topic at once, those of the following second as one line, with
 * the fields of the latest and how many there were as `count`. There must be few topics.
 */
export function logBounded(core: CoreState, topic: string, line: Line, now: number): void {
  const known = core.logTopics.get(topic);
  if (known !== undefined) {
    known.count++;
    known.line = line;
    return;
  }
  say(core, line, 1);
  const timer = new Timer<Due>({ kind: 'log', topic });
  core.logTopics.set(topic, { timer, count: 0, line });
  core.timers.set(timer, now + LOG_INTERVAL_MS);
}

/** The second after a line is over. */
export function logTopicIsDue(core: CoreState, topic: string, now: number): void {
  const known = core.logTopics.get(topic);
  if (known === undefined) return;
  if (known.count === 0) {
    core.logTopics.delete(topic);
    return;
  }
  say(core, known.line, known.count);
  known.count = 0;
  core.timers.set(known.timer, now + LOG_INTERVAL_MS);
}

function say(core: CoreState, { level, msg, fields }: Line, count: number): void {
  core.log(level, msg, { ...fields, count });
}
