import { quote } from '../one-line.js';

/** A value that a parser refuses. The message goes on after the value: `is not HOST:PORT (port 0 to 65535)`. */
export class ValueProblem extends Error {
  override readonly name = 'ValueProblem';
}

/** Turns the text of one value into what it means, or throws ValueProblem. */
export interface Parser<T> {
  (text: string): T;
  /** All texts it takes, where they can be listed: what a shell offers to complete. */
  readonly choices?: readonly string[];
}

/** Parser of one or more values separated by commas; the error names the one at fault. */
export function commaSeparated<T>(parseOne: Parser<T>): Parser<readonly T[]> {
  return (text) =>
    text.split(',').map((part) => {
      const entry = part.trim();
      try {
        return parseOne(entry);
      } catch (error) {
        if (!(error instanceof ValueProblem) || !text.includes(',')) throw error;
        throw new ValueProblem(`holds ${quote(entry)}, which ${error.message}`);
      }
    });
}
