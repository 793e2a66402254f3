import type { Session } from './sessions.js';
import type { Task } from './task.js';

/** What a timer of the core is for. */
export type Due =
  /** End of a delay, a backoff or a lease, as the task's state says. */
  | { readonly kind: 'task'; readonly task: Task }
  /** Silence to be judged, or the end of a disconnected session's grace. */
  | { readonly kind: 'session'; readonly session: Session }
  /** The coordinator's own heartbeat to an agent. */
  | { readonly kind: 'heartbeat'; readonly session: Session }
  /** An agent was told to stop a task and has not answered. */
  | { readonly kind: 'stopping'; readonly session: Session; readonly leaseKey: string }
  | { readonly kind: 'handshake'; readonly connectionId: string }
  | { readonly kind: 'retention' }
  | { readonly kind: 'store-retry' }
  | { readonly kind: 'drain' };
