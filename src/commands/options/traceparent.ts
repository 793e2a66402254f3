import { readTraceparent, writeTraceparent } from '../../protocol/traceparent.js';
import { type Parser, ValueProblem } from './parser.js';

/** Parser of a traceparent of W3C Trace Context; gives it as version 00. */
export const traceparent: Parser<string> = (text) => {
  const read = readTraceparent(text);
  if (typeof read === 'string') throw new ValueProblem(read);
  return writeTraceparent(read);
};
