import { MAX_ERROR_MESSAGE } from './limits.js';
import type { MessageOf } from './messages.js';

/**
 * Every error both daemons can name: its number on the wire, what becomes of the connection, and whether
 * trying again can help. docs/protocol.md prints this table.
 */
export interface ErrorEntry {
  /** In ErrorReport, and as the application code of CONNECTION_CLOSE, RESET_STREAM and STOP_SENDING. */
  readonly code: number;
  /** The connection is closed with this code; else the peer gets an ErrorReport and the connection goes on. */
  readonly fatal: boolean;
  /** The same request gets the same answer: do not repeat it. A program that stops for it exits with status 4. */
  readonly permanent: boolean;
  /** One sentence, used where an error has no text of its own. */
  readonly meaning: string;
}

type Fate = 'closes' | 'goes on';
type Retry = 'never' | 'later';

const entry = (code: number, fate: Fate, retry: Retry, meaning: string): ErrorEntry => ({
  code,
  fatal: fate === 'closes',
  permanent: retry === 'never',
  meaning,
});

export const ERRORS = {
  // ---- ends without a fault of the peer
  NO_ERROR: entry(0x00, 'closes', 'later', 'an orderly end: the sender has nothing more to do'),
  INTERNAL_ERROR: entry(0x01, 'closes', 'later', 'the sender failed; its log says why'),
  GOING_AWAY: entry(0x02, 'closes', 'later', 'the sender stops; connect again, or to another coordinator'),
  CONNECTION_RECYCLED: entry(
    0x03,
    'closes',
    'later',
    'the connection is used up; connect again at once and resume',
  ),

  // ---- frames and messages
  PROTOCOL_ERROR: entry(0x10, 'closes', 'later', 'the boundaries of frames are lost'),
  FRAME_TOO_LARGE: entry(0x11, 'closes', 'never', 'a frame is longer than the receiver accepts'),
  BAD_MESSAGEPACK: entry(
    0x12,
    'goes on',
    'never',
    'the bytes are not MessagePack in the form described here',
  ),
  UNKNOWN_MESSAGE_TYPE: entry(0x13, 'goes on', 'never', 'the receiver does not know this type of message'),
  BAD_FIELD: entry(0x14, 'goes on', 'never', 'a field is missing, of the wrong type or out of range'),
  MISSING_PAYLOAD: entry(0x15, 'goes on', 'never', 'this message needs a payload'),
  UNEXPECTED_PAYLOAD: entry(0x16, 'goes on', 'never', 'this message has no payload'),
  UNEXPECTED_MESSAGE: entry(0x17, 'goes on', 'never', 'not from this sender, on this stream or at this time'),
  TOO_MANY_ERRORS: entry(0x18, 'closes', 'later', 'too many messages of this connection were refused'),

  // ---- handshake and session
  UNSUPPORTED_VERSION: entry(0x20, 'closes', 'never', 'no protocol version is spoken by both sides'),
  JOIN_TOKEN_WRONG: entry(0x21, 'closes', 'never', 'the join token is missing or wrong'),
  CLIENT_CERTIFICATE_REQUIRED: entry(0x22, 'closes', 'never', 'the coordinator wants a client certificate'),
  AGENT_ID_IN_USE: entry(0x23, 'closes', 'later', 'another agent with this id is connected'),
  SESSION_REPLACED: entry(
    0x24,
    'closes',
    'never',
    'the agent connected again elsewhere; this connection is the old one',
  ),
  SESSION_UNKNOWN: entry(0x25, 'closes', 'later', 'the session token is not valid; connect again without it'),
  TOO_MANY_AGENTS: entry(0x26, 'closes', 'later', 'the coordinator has all the agents it takes'),
  TOO_MANY_CONNECTIONS: entry(0x27, 'closes', 'later', 'the coordinator has all the connections it takes'),
  HANDSHAKE_TIMEOUT: entry(0x28, 'closes', 'later', 'no handshake message arrived in time'),
  EARLY_DATA_REFUSED: entry(
    0x29,
    'goes on',
    'later',
    'a handshake in early data has no nonce or one seen before; send it again once the connection is established',
  ),
  COORDINATOR_BUSY: entry(
    0x2a,
    'closes',
    'later',
    'agents are admitted at a bounded rate; come back after retryAfterMs',
  ),

  // ---- requests of a client
  QUEUE_FULL: entry(0x30, 'goes on', 'later', 'the queue has all the tasks it takes'),
  DRAINING: entry(0x31, 'goes on', 'later', 'the coordinator takes no new tasks'),
  UNKNOWN_KIND: entry(0x32, 'goes on', 'never', 'no such kind of task'),
  BAD_INPUT: entry(0x33, 'goes on', 'never', 'the input does not fit the kind of task'),
  PAYLOAD_TOO_LARGE: entry(0x34, 'goes on', 'never', 'the payload does not fit into a message'),
  UNKNOWN_TASK: entry(0x35, 'goes on', 'never', 'no such task'),
  TASK_FINISHED: entry(0x36, 'goes on', 'never', 'the task is already at its end'),
  NOT_SUPPORTED: entry(0x37, 'goes on', 'never', 'the receiver does not do this'),
  STORE_UNAVAILABLE: entry(
    0x38,
    'goes on',
    'later',
    'the coordinator cannot store anything now; nothing was changed',
  ),
  TOO_MANY_REQUESTS: entry(
    0x39,
    'goes on',
    'later',
    'too many requests are open on this connection, or came in too short a time',
  ),
  TASK_NOT_RETRYABLE: entry(
    0x3a,
    'goes on',
    'never',
    'only a task that failed, is dead or was cancelled can be retried',
  ),
  UNKNOWN_AGENT: entry(0x3b, 'goes on', 'later', 'no such agent is connected'),
  FORBIDDEN: entry(0x3f, 'goes on', 'never', 'the role of the peer does not include this'),

  UNKNOWN_SCHEDULE: entry(0x48, 'goes on', 'never', 'no such recurring task'),
  SCHEDULE_EXISTS: entry(0x49, 'goes on', 'never', 'there is a recurring task of this name already'),

  // ---- leases
  STALE_LEASE: entry(
    0x40,
    'goes on',
    'never',
    'the lease is over or has a newer epoch; drop the work and its result',
  ),
  TASK_CANCELLED: entry(0x41, 'goes on', 'never', 'resets a stream whose task is no longer wanted'),
  GRADIENT_REFUSED: entry(
    0x42,
    'goes on',
    'never',
    'a gradient of the wrong version or length, with a number that is not finite, or too late; others compute it',
  ),

  // ---- outcomes
  NO_FORECAST: entry(
    0x60,
    'goes on',
    'never',
    'the task has made no forecast that could be compared with what came; say what its result was worth',
  ),
  OUTCOME_KNOWN: entry(0x61, 'goes on', 'never', 'the outcome of the task was reported before'),

  // ---- a peer that is not heard or does not listen
  HEARTBEAT_TIMEOUT: entry(0x50, 'closes', 'later', 'no heartbeat arrived in time'),
  IDLE_TIMEOUT: entry(0x51, 'closes', 'later', 'nothing was asked for too long'),
  SLOW_READER: entry(0x52, 'closes', 'later', 'the peer does not read what is sent to it'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof ERRORS;

const isErrorName = (name: string): name is ErrorName => Object.hasOwn(ERRORS, name);
const NAMES_BY_CODE: ReadonlyMap<number, ErrorName> = new Map(
  Object.keys(ERRORS)
    .filter(isErrorName)
    .map((name) => [ERRORS[name].code, name]),
);

/** The name of a code, or null for one of a newer version: treat it as fatal when it closed a connection, transient else. */
export const errorNameOf = (code: number): ErrorName | null => NAMES_BY_CODE.get(code) ?? null;

/** What an error is about, as far as it could be read. */
export interface ErrorContext {
  /** Type of the message at fault. */
  readonly messageType?: string | undefined;
  /** JSON pointer of the field at fault, such as `/leases/0/epoch`. */
  readonly field?: string | undefined;
  readonly requestId?: number | undefined;
  readonly taskId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** A fault that has a name on the wire. `name` is stable and for programs, `message` is for people. */
export class ProtocolError extends Error {
  override readonly name: ErrorName;
  readonly code: number;
  readonly fatal: boolean;
  readonly permanent: boolean;
  readonly messageType: string | undefined;
  readonly field: string | undefined;
  readonly requestId: number | undefined;
  readonly taskId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(name: ErrorName, message?: string, context: ErrorContext = {}) {
    const { code, fatal, permanent, meaning } = ERRORS[name];
    super(message ?? meaning, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = name;
    this.code = code;
    this.fatal = fatal;
    this.permanent = permanent;
    this.messageType = context.messageType;
    this.field = context.field;
    this.requestId = context.requestId;
    this.taskId = context.taskId;
    this.retryAfterMs = context.retryAfterMs;
  }
}

/**
 * The message that tells the peer of an error; every text is cut to what its field takes. What is not a
 * ProtocolError is reported as INTERNAL_ERROR without its text, which may hold secrets.
 */
export function errorReport(error: unknown): MessageOf<'ErrorReport'> {
  const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL_ERROR');
  const { messageType, field, requestId, taskId, retryAfterMs } = known;
  return {
    type: 'ErrorReport',
    // NO_ERROR is a close code only
    code: known.code === 0 ? ERRORS.INTERNAL_ERROR.code : known.code,
    name: known.code === 0 ? 'INTERNAL_ERROR' : known.name,
    message: cutText(known.message, MAX_ERROR_MESSAGE),
    ...(messageType === undefined || messageType === '' ? {} : { messageType: cutText(messageType, 64) }),
    ...(field === undefined || field === '' ? {} : { field: cutText(field, 256) }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(taskId === undefined ? {} : { taskId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The same error on the receiving side; one with a code of a newer version becomes INTERNAL_ERROR with its own text. */
export function errorOfReport(report: MessageOf<'ErrorReport'>): ProtocolError {
  const name = errorNameOf(report.code);
  const text = name === null ? `${report.name} (code ${report.code}): ${report.message}` : report.message;
  return new ProtocolError(name ?? 'INTERNAL_ERROR', text, report);
}

/** At most `max` UTF-16 units of `text`, with `…` for what was cut; never half of a surrogate pair. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
