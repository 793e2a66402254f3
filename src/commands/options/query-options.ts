import { connectOptions } from './connect-options.js';
import { loggingOptions } from './logging-options.js';
import { jsonOption } from './output-options.js';
import type { OptionTable } from './spec.js';
import { trustOptions } from './trust-options.js';

/** Flags of the commands that ask a running coordinator: status, agents. */
export const queryOptions = {
  ...connectOptions,
  ...trustOptions,
  ...jsonOption,
  ...loggingOptions,
} as const satisfies OptionTable;
