import { flag, type OptionTable } from './spec.js';

export const jsonOption = {
  json: flag({ help: 'print JSON: one document, or one a line for streams' }),
} as const satisfies OptionTable;
