import { Compile } from 'typebox/schema';
import type { ErrorContext } from './errors.js';
import { cutText, ProtocolError } from './errors.js';
import { messageSchemas, type Message, type MessageType } from './messages.js';
import type { Schema } from './schema.js';

/** Checks the fields of messages against their schemas. */

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

interface Validator {
  Check(value: unknown): boolean;
  Errors(value: unknown): [boolean, Fault[]];
}

/** Compiled on first use: a command needs few types and should start fast. */
const validators = new Map<MessageType, Validator>();

function validatorOf(type: MessageType): Validator {
  let validator = validators.get(type);
  if (validator === undefined) {
    const schema: object = messageSchemas[type];
    validator = Compile(schema);
    validators.set(type, validator);
  }
  return validator;
}

export type Checker<T> = (value: unknown) => value is T;

/** Whether a value has the form of a schema: for what is read from disk. Compiled at once. */
export function checker<T>(schema: Schema<T>): Checker<T> {
  const form: object = schema;
  const validator: Validator = Compile(form);
  return (value): value is T => validator.Check(value);
}

export const isMessageType = (type: string): type is MessageType => Object.hasOwn(messageSchemas, type);

/** Whether `candidate`, whose `type` is `type`, is that message. */
export const isMessage = (type: MessageType, candidate: Record<string, unknown>): candidate is Message =>
  validatorOf(type).Check(candidate);

/** The first fault of fields that `isMessage` refused, as BAD_FIELD. */
export function fieldError(
  type: MessageType,
  candidate: Record<string, unknown>,
  context: ErrorContext,
): ProtocolError {
  const [, faults] = validatorOf(type).Errors(candidate);
  const { field, problem } = describe(faults);
  return new ProtocolError(
    'BAD_FIELD',
    cutText(`${type}: ${field === '' ? 'a field' : field} ${problem}`, 1024),
    {
      ...context,
      messageType: type,
      field,
    },
  );
}

function describe(faults: readonly Fault[]): { field: string; problem: string } {
  const first = faults[0];
  if (first === undefined) return { field: '', problem: 'is not valid' };
  const { instancePath, params } = first;
  if ('requiredProperties' in params && Array.isArray(params.requiredProperties)) {
    return { field: `${instancePath}/${String(params.requiredProperties[0])}`, problem: 'is missing' };
  }
  if ('allowedValues' in params && Array.isArray(params.allowedValues)) {
    return { field: instancePath, problem: `must be one of ${params.allowedValues.join(', ')}` };
  }
  if (first.keyword === 'boolean')
    return { field: instancePath, problem: 'is not a name allowed here (1 to 64 characters)' };
  // Of a choice between schemas every branch has its fault: one alone would mislead.
  const choice = faults.some(({ keyword, instancePath: at }) => keyword === 'anyOf' && at === instancePath);
  const problems = choice
    ? faults.filter(({ keyword, instancePath: at }) => keyword !== 'anyOf' && at === instancePath)
    : [first];
  return { field: instancePath, problem: problems.map(({ message }) => message).join(' or ') };
}
