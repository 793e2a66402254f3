import { type Parser, ValueProblem } from './parser.js';

/** Parser of a decimal integer from `min` to `max`, both inclusive. */
export function integer(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new ValueProblem(`is not an integer from ${min} to ${max}`);
    }
    return value;
  };
}
