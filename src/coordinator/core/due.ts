import type { Schedule } from './schedules/schedules.js';
import type { Session } from './sessions/sessions.js';

/** What a timer of the core is for. Tasks are their own timers. */
export type Due =
  /** Silence to be judged, or the end of a disconnected session's grace. */
  | { readonly kind: 'session'; readonly session: Session }
  /** The coordinator's own heartbeat to an agent. */
  | { readonly kind: 'heartbeat'; readonly session: Session }
  /** An agent was told to stop a task of this kind and has not answered. */
  | {
      readonly kind: 'stopping';
      readonly session: Session;
      readonly leaseKey: string;
      readonly taskKind: string;
    }
  /** Whether an agent still ends what it is given. */
  | { readonly kind: 'stall'; readonly session: Session }
  | { readonly kind: 'handshake'; readonly connectionId: string }
  /** The second after a line of a topic whose lines are bounded. */
  | { readonly kind: 'log'; readonly topic: string }
  | { readonly kind: 'retention' }
  | { readonly kind: 'store-retry' }
  /** A commit has waited long enough for company. */
  | { readonly kind: 'commit-hold' }
  /** The pause after a failed read of inputs. */
  | { readonly kind: 'read-retry' }
  /** The pause after a failed read of what tasks need. */
  | { readonly kind: 'needs-retry' }
  /** There is news of more blocked tasks than one turn looks at. */
  | { readonly kind: 'needs' }
  /** A kind of task that has reached its rate may start another. */
  | { readonly kind: 'rate' }
  /** Something waits to be learned: small results to be counted, a deadline of the bank, the next snapshot. */
  | { readonly kind: 'learning' }
  /** A training may have something to give out that it had not before. */
  | { readonly kind: 'training' }
  /** A recurring task has an occurrence. */
  | { readonly kind: 'schedule'; readonly schedule: Schedule }
  /** There are more recurring tasks from the store than one turn finds the next times of. */
  | { readonly kind: 'schedules' }
  | { readonly kind: 'drain' };
