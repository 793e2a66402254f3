import { type Parser, ValueProblem } from './parser.js';

/** Parser of any text of 1 to `maxLength` characters without control characters. */
export function text(maxLength: number): Parser<string> {
  return (value) => {
    if (value === '') throw new ValueProblem('is empty');
    if (value.length > maxLength) throw new ValueProblem(`is longer than ${maxLength} characters`);
    if (/\p{Cc}/u.test(value)) throw new ValueProblem('holds control characters');
    return value;
  };
}

/** Parser of a path of a file or directory; whether it exists is for its user to find out. */
export const path: Parser<string> = text(4096);
