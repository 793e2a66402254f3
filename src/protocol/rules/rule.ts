/** What a rule says, and what several rules share. */

/** Who may send a message, where, with which payload, what it is for and what comes back. */
export interface MessageRule {
  readonly from: readonly Role[];
  /** Streams it may travel on; see StreamUse. */
  readonly on: readonly StreamUse[];
  readonly payload: PayloadRule;
  readonly purpose: string;
  readonly answer: string;
}

export type Role = 'agent' | 'client' | 'coordinator';

/**
 * `control`: the first stream that the agent or client opens; `lane`: a task lane of an agent; `own`: a stream
 * for one large message.
 */
export type StreamUse = 'control' | 'lane' | 'own';

/** `state`: it depends on a field, see payloadNeed; the string says what the bytes are. */
export type PayloadRule =
  { readonly need: 'none' } | { readonly need: 'required' | 'state'; readonly what: string };

export const NONE: PayloadRule = { need: 'none' };
