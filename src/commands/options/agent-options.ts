import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { DEFAULT_HANDLER_MEMORY } from '../../agent/executor.js';
import { MAX_CONCURRENCY } from '../../protocol/limits.js';
import { AGENT_TYPES } from '../../protocol/messages.js';
import { UsageError } from '../exit.js';
import { choice } from './choice.js';
import { connectOptions } from './connect-options.js';
import { daemonOptions } from './daemon-options.js';
import { duration, formatDuration } from './duration.js';
import { httpHosts, optionalHttpAddress } from './http-options.js';
import { AGENT_NUMBER, agentId } from './identity.js';
import { integer } from './integer.js';
import { loggingOptions } from './logging-options.js';
import { readOptions } from './options.js';
import { formatSize, size } from './size.js';
import { computedValue, optional, type OptionTable, required, value, type Values } from './spec.js';
import { path } from './text.js';
import { trustOptions } from './trust-options.js';

export const agentOptions = {
  id: required({
    placeholder: 'ID',
    parse: agentId,
    help: `unique name of the agent; with --count it holds ${AGENT_NUMBER}, the number from 1`,
  }),
  count: value({
    placeholder: 'N',
    parse: integer(1, 100_000),
    numeric: true,
    default: '1',
    help: 'agents to run in this process',
  }),
  type: value({
    placeholder: 'TYPE',
    parse: choice(AGENT_TYPES),
    default: 'worker',
    help: `which kinds of task it takes: ${AGENT_TYPES.join(', ')} (worker: all)`,
  }),
  ...connectOptions,
  ...trustOptions,
  concurrency: computedValue({
    placeholder: 'N',
    parse: integer(1, MAX_CONCURRENCY),
    numeric: true,
    defaultText: 'cores',
    fallback: () => availableParallelism(),
    help: 'tasks at once: the credit it gives',
  }),
  handlers: optional({
    placeholder: 'FILE.mjs',
    parse: path,
    help: 'own task handlers, for compute and for new kinds; own judge and distiller of an agent of type reasoning',
  }),
  handlerMemory: value({
    placeholder: 'SIZE',
    parse: size({ min: 64 * 1024 ** 2, max: 2 ** 40 }),
    default: formatSize(DEFAULT_HANDLER_MEMORY),
    help: 'memory that a task of an own handler may take; beyond it the task fails with MEMORY_LIMIT',
  }),
  stateDir: value({
    placeholder: 'DIR',
    parse: path,
    default: './swarm-data/agents',
    help: 'session token, TLS tickets and results not yet handed over; a second agent of the same id on it is refused',
  }),
  reconnectMin: value({
    placeholder: 'DURATION',
    parse: duration({ min: 1, max: 3_600_000 }),
    default: '100ms',
    help: 'first pause before connecting again; it doubles each time, at random from 0 to its length',
  }),
  reconnectMax: value({
    placeholder: 'DURATION',
    parse: duration({ min: 1, max: 24 * 3_600_000 }),
    default: '30s',
    help: 'longest pause before connecting again',
  }),
  http: optionalHttpAddress({
    help: 'metrics and health of this process; port 0 picks one, and the log says which',
  }),
  httpHost: httpHosts,
  drainTimeout: daemonOptions.drainTimeout,
  udpPayload: daemonOptions.udpPayload,
  busyPoll: daemonOptions.busyPoll,
  ...loggingOptions,
} as const satisfies OptionTable;

/** `ids` holds one id for each of the `count` agents. */
export type AgentOptions = Values<typeof agentOptions> & { readonly ids: readonly string[] };

/** Reads the flags of an agent and checks those that depend on each other. */
export async function readAgentOptions(
  command: Command,
  env: NodeJS.ProcessEnv = process.env,
): Promise<AgentOptions> {
  const options = await readOptions(command, agentOptions, env);
  if (options.reconnectMin > options.reconnectMax) {
    throw new UsageError(
      `--reconnect-min: ${formatDuration(options.reconnectMin)} is longer than --reconnect-max ${formatDuration(options.reconnectMax)}`,
    );
  }
  if (options.count > 1 && !options.id.includes(AGENT_NUMBER)) {
    throw new UsageError(
      `--id: '${options.id}' needs ${AGENT_NUMBER} with --count ${options.count}, such as ${options.id}-${AGENT_NUMBER}`,
    );
  }
  const ids = Array.from({ length: options.count }, (_, index) =>
    options.id.replaceAll(AGENT_NUMBER, String(index + 1)),
  );
  return { ...options, ids };
}
