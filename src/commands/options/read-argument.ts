import { UsageError } from '../exit.js';
import { quote } from '../one-line.js';
import { type Parser, ValueProblem } from './parser.js';

/** Reads an argument that has a place instead of a flag; `name` is what the help calls it, such as `KIND`. */
export function readArgument<T>(name: string, text: string, parse: Parser<T>): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error;
    throw new UsageError(`${name}: ${quote(text)} ${error.message}`, { cause: error });
  }
}
