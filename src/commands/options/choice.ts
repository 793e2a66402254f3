import { type Parser, ValueProblem } from './parser.js';

/** Parser that takes one of `choices`, exactly as written there. */
export function choice<const T extends readonly string[]>(choices: T): Parser<T[number]> {
  const parse = (text: string): T[number] => {
    const found = choices.find((candidate) => candidate === text);
    if (found === undefined) throw new ValueProblem(`is not one of ${choices.join(', ')}`);
    return found;
  };
  return Object.assign(parse, { choices });
}
