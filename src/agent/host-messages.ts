import type { RunOutcome } from './outcome.js';
import type { RunRequest } from './runner.js';

/** What a process for own handlers is told when it starts: its arguments, in this order. */
export interface HostOptions {
  /** Absolute path of the user's handlers. */
  readonly handlersFile: string;
  /** Bytes. */
  readonly memoryLimit: number;
}

/** To a process for own handlers. It is given one task at a time. */
export type ToHost = { readonly run: RunRequest } | 'abort';

/** From it. */
export type FromHost =
  | { readonly progress: number; readonly note: string | undefined }
  /** The task is over; with `spent` the process is not to be given another one. */
  | { readonly finished: RunOutcome; readonly spent: boolean };
