import { MAX_ERROR_MESSAGE } from './limits.js';
import { boolean, integer, list, number, object, optional, string } from './schema.js';
import { TRACEPARENT_LENGTH } from './traceparent.js';

/** The building blocks that several messages share: names, numbers with a range, leases, errors. */

export const text = (maxLength: number, description: string) =>
  string({ minLength: 1, maxLength, description });
export const note = (maxLength: number, description: string) => string({ maxLength, description });
export const count = (description: string, maximum = 2 ** 48) =>
  integer({ minimum: 0, maximum, description });
export const ms = (description: string) => number({ minimum: 0, maximum: 2 ** 48, description });
export const fraction = (description: string) => number({ minimum: 0, maximum: 1, description });
export const requestId = integer({
  minimum: 0,
  maximum: 2 ** 32 - 1,
  description: 'chosen by the client, unique among its open requests',
});
export const name = (description: string) =>
  string({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._:@-]*$', description });

export const scheduleName = name('name of the recurring task');

export const AGENT_TYPES = ['pattern', 'strategy', 'feature', 'neural', 'reasoning', 'worker'] as const;
/** What a process logs at least, the most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const STREAM_PURPOSES = ['control', 'tasks-high', 'tasks-normal', 'tasks-low', 'bulk'] as const;

export const kind = string({
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-z][a-z0-9-]*$',
  description: 'kind of task',
});
export const taskId = text(64, 'UUID version 7 of the task');
/** Its ids must not be zero either, which a pattern without assertions cannot say. */
export const traceparent = (description: string) =>
  string({
    minLength: TRACEPARENT_LENGTH,
    maxLength: TRACEPARENT_LENGTH,
    pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$',
    description: `${description}: a traceparent of W3C Trace Context, version 00`,
  });
/** What was learned, in words. */
export const lesson = {
  title: text(128, 'a few words'),
  description: note(512, 'one sentence'),
  content: note(4096, 'what to do or to avoid, and why'),
};
export const lease = {
  taskId,
  attempt: integer({ minimum: 1, maximum: 1_000_000, description: 'which try this is, from 1' }),
  epoch: integer({
    minimum: 1,
    maximum: 2 ** 48,
    description: 'fencing number of the lease; an answer with an older one is refused',
  }),
};
export const runMs = ms('time the handler took on the agent');
export const errorDetail = object(
  {
    name: text(64, 'stable name of the error, for programs'),
    message: note(MAX_ERROR_MESSAGE, 'one sentence for people'),
    retryable: boolean({ description: 'another attempt may succeed' }),
  },
  { description: 'why a task did not complete' },
);
export const protocolVersions = list(integer({ minimum: 1, maximum: 65535 }), {
  minItems: 1,
  maxItems: 16,
  description: 'protocol versions the sender speaks',
});
export const protocolVersion = integer({
  minimum: 1,
  maximum: 65535,
  description: 'the version both will speak',
});
export const software = text(128, 'name and version of the sending program, for logs');
export const joinToken = optional(text(1024, 'shared secret, when the coordinator wants one'));

/** Early data can be replayed by anybody who recorded it: a nonce is accepted once. */
export const nonce = optional(
  string({
    minLength: 22,
    maxLength: 64,
    pattern: '^[A-Za-z0-9_-]+$',
    description: 'required in 0-RTT data: at least 16 random bytes as base64url, never used before',
  }),
);
