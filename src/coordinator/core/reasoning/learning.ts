import type { ReasoningBank } from '../../../reasoning/bank.js';
import type { MemoryItem } from '../../../reasoning/memory/item.js';
import type { Due } from '../due.js';
import type { Session } from '../sessions/sessions.js';
import { Timer } from '../timers.js';
import type { Tally } from './tally.js';

/** What is learned, and what of it waits to be counted, judged or stored. The modules beside it are functions over it. */
export class Learning {
  /** Set when, and only when, something waits: for its count, its deadline in the bank, or the next snapshot. */
  readonly timer = new Timer<Due>({ kind: 'learning' });
  /** All and only the tallies with something in them. */
  readonly tallies = new Set<Tally>();
  /** When the tallies are to be counted; means nothing while there are none. */
  countAt = 0;
  /** Agents of type `reasoning` that are connected and take work. */
  readonly judges = new Set<Session>();
  /** What the bank was told of them. */
  judgeAvailable = false;
  /** Experiences sent out, for the judges to take turns. */
  asked = 0;
  /** Lessons that were sent along and have to be written with the next snapshot: that they were used matters little. */
  readonly used = new Map<string, MemoryItem>();
  /** What the bank knows has changed since the last snapshot. */
  changed = false;
  /** Experiences since then: a restart reads them one by one. */
  experiences = 0;

  constructor(
    readonly bank: ReasoningBank,
    public snapshotAt: number,
  ) {}
}
