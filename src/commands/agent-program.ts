import type { Logger } from 'pino';
import { Agent, type StopInfo } from '../agent/agent.js';
import { Executor } from '../agent/executor.js';
import { MeteredRunner } from '../agent/metered-runner.js';
import { TracedRunner } from '../agent/traced-runner.js';
import { systemClock } from '../observe/clock.js';
import { createLogger } from '../observe/logger.js';
import { startTracing } from '../observe/tracing/tracing.js';
import { HandlersFileError } from '../tasks/handlers-file.js';
import { createQuicConnector, memorySessionCache } from '../transport/index.js';
import { VERSION } from '../version.js';
import { serveAgentHttp } from './agent-http.js';
import { openStates } from './agent-states.js';
import { resolveTrust } from './certificates/trust.js';
import { registerCompletionCommand } from './completion/completion-command.js';
import { SOFTWARE } from './connection.js';
import { RefusedError, runCommand, UsageError, type ExitStatus } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { oneLine, reasonOf } from './one-line.js';
import { agentOptions, readAgentOptions, type AgentOptions } from './options/agent-options.js';
import { formatHostPort } from './options/host-port.js';
import { addOptions } from './options/options.js';
import { addExample, createProgram } from './program.js';
import { NOT_RELOADED, onHangup } from './service/hangups.js';
import { onLogSignal } from './service/log-switch.js';
import { type Notifier, withNotifier } from './service/notifier.js';
import { startStaggered } from './staggered-start.js';

/** `swarm-agent`: the daemon that runs tasks. Resolves to the exit status. */
export function agentMain(argv: readonly string[]): Promise<ExitStatus> {
  const program = createProgram({
    name: 'swarm-agent',
    description: 'Takes tasks from a swarm coordinator over QUIC and runs them until SIGTERM or SIGINT.',
    version: VERSION,
  });
  addOptions(program, agentOptions);
  addExample(program, 'swarm-agent --id agent-1 --type pattern');
  registerCompletionCommand(program);
  program.action(async () => {
    await runAgents(await readAgentOptions(program));
  });
  return runCommand(() => program.parseAsync([...argv]));
}

async function runAgents(options: AgentOptions): Promise<void> {
  const log = await createLogger({ name: 'swarm-agent', level: options.logLevel, format: options.logFormat });
  await withNotifier(log, (notifier) => serve(options, log, notifier));
}

async function serve(options: AgentOptions, log: Logger, notifier: Notifier): Promise<void> {
  const trust = resolveTrust(options, { now: new Date() });
  for (const warning of trust.warnings) log.warn({}, warning);
  const executor = await makeExecutor(options);
  const tracing = await startTracing({ name: 'swarm-agent', version: VERSION }, log);
  const runner = new MeteredRunner(
    tracing === null ? executor : new TracedRunner(executor, tracing, () => systemClock.now()),
  );
  let started: readonly Agent[] = [];
  const http = await serveAgentHttp(options, { agents: () => started, runner, log }).catch(
    async (error: unknown) => {
      await executor.close();
      throw error;
    },
  );
  const interrupts = onInterrupt();
  const hangups = onHangup();
  const logSwitch = onLogSignal(log, options.logLevel);
  const states = await openStates(options, log).catch(async (error: unknown) => {
    await http?.close();
    throw error;
  });
  const connector = createQuicConnector({
    tls: trust.tls,
    udpPayload: options.udpPayload,
    busyPoll: options.busyPoll === 'on',
    earlyData: true,
    onHandlerError: (connection, err) =>
      log.error({ address: connection.remoteAddress, err }, 'internal error: the connection is closed'),
  });
  let { joinToken } = trust;
  const agents = states.map(({ agentId, state }) => {
    const sessions = memorySessionCache(state.tickets);
    return new Agent({
      agentId,
      state,
      agentType: options.type,
      concurrency: options.concurrency,
      addresses: options.connect.map(formatHostPort),
      connector: (address) => connector.connect(address, sessions),
      runner,
      reasoning: executor.reasoning,
      reconnectMinMs: options.reconnectMin,
      reconnectMaxMs: options.reconnectMax,
      software: SOFTWARE,
      log,
      ...(joinToken === null ? {} : { joinToken: () => joinToken ?? '' }),
    });
  });
  const stops = agents.map((agent) => new Promise<StopInfo>((resolve) => agent.once('stopped', resolve)));
  const stopStarting = startStaggered(agents);
  interrupts.signal.addEventListener(
    'abort',
    () => {
      stopStarting();
      hangups.ignore();
      notifier.stopping('waiting for running tasks');
      for (const agent of agents) void agent.drain(options.drainTimeout);
    },
    { once: true },
  );
  for (const agent of agents) agent.on('logLevel', (level) => logSwitch.set(level, 'the coordinator'));
  started = agents;
  const ready = tellRegistrations(agents, notifier);
  hangups.handle(() => {
    notifier.reloading();
    try {
      const next = resolveTrust(options, { now: new Date() });
      connector.setTls(next.tls);
      joinToken = next.joinToken;
      for (const warning of next.warnings) log.warn({}, warning);
      log.info({}, 'reloaded');
    } catch (error) {
      log.error({ reason: reasonOf(error) }, NOT_RELOADED);
    }
    ready();
    return Promise.resolve();
  });
  const ends = await Promise.all(stops);
  stopStarting();
  await connector.close();
  await http?.close();
  await executor.close();
  await tracing?.close();
  await Promise.all(states.map(({ state }) => state.close()));
  interrupts.stop();
  hangups.stop();
  logSwitch.stop();
  const refusal = ends.find(({ permanent }) => permanent);
  if (refusal !== undefined) throw new RefusedError(oneLine(refusal.reason));
  log.info({ reason: ends[0]?.reason }, 'stopped');
}

/**
 * Ready is not registered: an agent waits for a coordinator that is away as long as it takes, and a start that failed for
 * that would only be tried again.
 */
function tellRegistrations(agents: readonly Agent[], notifier: Notifier): () => void {
  let registered = 0;
  const status = () => `${registered} of ${agents.length} registered`;
  const change = (by: number) => () => {
    registered += by;
    notifier.status(status());
  };
  for (const agent of agents) agent.on('registered', change(1)).on('disconnected', change(-1));
  const ready = () => notifier.ready(status());
  ready();
  return ready;
}

async function makeExecutor({ handlers, handlerMemory }: AgentOptions): Promise<Executor> {
  try {
    return await Executor.create(handlers === null ? {} : { handlersFile: handlers, handlerMemory });
  } catch (error) {
    if (!(error instanceof HandlersFileError)) throw error;
    throw new UsageError(`--handlers: ${oneLine(error.message)}`, { cause: error });
  }
}
