import type { CloseMeaning } from '../protocol/close-words.js';
import type { ErrorName, ProtocolError } from '../protocol/errors.js';

/** No coordinator answered, or the connection to it was lost before the answer came (exit status 3). */
export class CoordinatorUnreachable extends Error {
  override readonly name = 'CoordinatorUnreachable';
  constructor(
    readonly addresses: readonly string[],
    problem: string,
  ) {
    super(`${addresses.join(', ')}: ${problem}`);
  }
}

/** A coordinator answered and does not want this client (exit status 4). */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly address: string,
    /** A code of the protocol, or a TLS alert. */
    readonly code: number,
    /** Stable name of the reason, such as `JOIN_TOKEN_WRONG` or `TLS_UNKNOWN_CA`. */
    readonly reasonName: string,
    /** The same attempt would end the same way. */
    readonly permanent: boolean,
    text: string,
  ) {
    super(`${address}: ${text}`);
  }

  /** What the code of a close says. */
  static of(address: string, code: number, meaning: CloseMeaning): Refused {
    return new Refused(address, code, meaning.name, meaning.permanent, meaning.text);
  }
}

/** The coordinator refused one request by name; nothing was changed. The connection goes on. */
export class TaskRejected extends Error {
  override readonly name = 'TaskRejected';
  /** Stable name of the reason, such as `QUEUE_FULL`, `BAD_INPUT` or `UNKNOWN_TASK`. */
  readonly reasonName: ErrorName;
  readonly code: number;
  /** The same request would be refused again. */
  readonly permanent: boolean;
  /** JSON pointer of the field at fault, when it is one. */
  readonly field: string | undefined;
  /** Milliseconds after which trying again may help, when the coordinator said so. */
  readonly retryAfterMs: number | undefined;

  constructor(cause: ProtocolError) {
    super(cause.message, { cause });
    this.reasonName = cause.name;
    this.code = cause.code;
    this.permanent = cause.permanent;
    this.field = cause.field;
    this.retryAfterMs = cause.retryAfterMs;
  }
}
