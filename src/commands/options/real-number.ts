import { type Parser, ValueProblem } from './parser.js';

/** Parser of a finite number such as `-0.015` or `2e-3`. */
export const realNumber: Parser<number> = (text) => {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new ValueProblem('is not a number (such as 0.012 or -3)');
  return value;
};
