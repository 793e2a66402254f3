import { messageSchemas } from '../../protocol/messages.js';
import type { Schema } from '../../protocol/schema.js';
import { type Parser, ValueProblem } from './parser.js';

/** Stands for the number of the agent when one process runs several. */
export const AGENT_NUMBER = '{n}';

const NAME_RULE = 'letters, digits and . _ : @ -, the first a letter or digit, at most 128';

/** Parser of the id of an agent, by the protocol's rule; `{n}` may stand in it for a number. */
export const agentId: Parser<string> = (text) => {
  // Filled with six digits: the longest number that --count allows.
  if (
    !follows(messageSchemas.AgentHandshake.properties['agentId'], text.replaceAll(AGENT_NUMBER, '100000'))
  ) {
    throw new ValueProblem(`is not the id of an agent (${NAME_RULE})`);
  }
  return text;
};

/** Parser of the name of a recurring task, by the protocol's rule. */
export const scheduleName: Parser<string> = (text) => {
  if (!follows(messageSchemas.DropRecurring.properties['name'], text)) {
    throw new ValueProblem(`is not a name of a recurring task (${NAME_RULE})`);
  }
  return text;
};

/** Parser of a kind of task, by the protocol's rule. */
export const taskKind: Parser<string> = (text) => {
  if (!follows(messageSchemas.SubmitTask.properties['kind'], text)) {
    throw new ValueProblem('is not a kind of task (such as pattern-match or compute)');
  }
  return text;
};

/** Parser of the id of a task: it may be one of another release, so only what no id can hold is refused. */
export const taskId: Parser<string> = (text) => {
  if (!/^[0-9A-Za-z-]{1,64}$/.test(text)) {
    throw new ValueProblem(
      'is not the id of a task (as submit prints it, such as 01890a5d-ac96-774b-bcce-b302099a8057)',
    );
  }
  return text;
};

/** Whether `text` keeps the length and pattern of a string's schema. */
function follows(schema: Schema<unknown> | undefined, text: string): boolean {
  if (typeof schema?.['pattern'] !== 'string' || typeof schema['maxLength'] !== 'number') {
    throw new TypeError('the protocol has no rule for this name');
  }
  return text.length <= schema['maxLength'] && new RegExp(schema['pattern'], 'u').test(text);
}
