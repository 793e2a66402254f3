import { join } from 'node:path';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { Coordinator } from '../coordinator/coordinator.js';
import { coordinatorRoutes } from '../observe/http/coordinator-routes.js';
import type { HttpServer } from '../observe/http/server.js';
import { coordinatorMetrics } from '../observe/metrics/coordinator-metrics.js';
import { createLogger } from '../observe/logger.js';
import { startTracing } from '../observe/tracing/tracing.js';
import { StoreOpenError } from '../store/open-error.js';
import { openSqliteStore } from '../store/sqlite/sqlite-store.js';
import type { Store } from '../store/store.js';
import type { QuicListener } from '../transport/index.js';
import { auditTo, openAudit, reopenAudit } from './access.js';
import { SOFTWARE } from './connection.js';
import { readFiles, readFilesAgain } from './coordinator-files.js';
import { listen } from './coordinator-listener.js';
import { UsageError } from './exit.js';
import { serveHttp } from './http.js';
import { onInterrupt } from './interrupt.js';
import { oneLine, reasonOf } from './one-line.js';
import { openPatterns } from './patterns.js';
import { coordinatorOptions, type CoordinatorOptions } from './options/coordinator-options.js';
import { kindLimits } from './options/kind-limit.js';
import { addOptions, readOptions } from './options/options.js';
import { addDefaultCommand, addExample } from './program.js';
import { NOT_RELOADED, onHangup } from './service/hangups.js';
import { onLogSignal } from './service/log-switch.js';
import { type Notifier, withNotifier } from './service/notifier.js';
import { VERSION } from '../version.js';

/** Adds the daemon: what runs when no subcommand is named. */
export function registerRunCommand(program: Command): Command {
  const command = addDefaultCommand(program, 'run').description(
    'start the coordinator: accept agents and clients until SIGTERM or SIGINT',
  );
  addOptions(command, coordinatorOptions);
  addExample(command, 'swarm-coordinator --listen 127.0.0.1:5000');
  command.action(async () => {
    await runCoordinator(await readOptions(command, coordinatorOptions));
  });
  return command;
}

async function runCoordinator(options: CoordinatorOptions): Promise<void> {
  const log = await createLogger({
    name: 'swarm-coordinator',
    level: options.logLevel,
    format: options.logFormat,
  });
  await withNotifier(log, (notifier) => serve(options, log, notifier));
}

async function serve(options: CoordinatorOptions, log: Logger, notifier: Notifier): Promise<void> {
  // before anything is open: a file that is missing ends the start
  const files = await readFiles(options);
  const { identity, joinToken, roleTokens } = files;
  let { httpToken } = files;
  for (const file of identity.made) log.info({ path: join(options.certs, file) }, 'made a certificate file');
  for (const warning of identity.warnings) log.warn({}, warning);
  const audit = openAudit(options.auditLog);
  const interrupts = onInterrupt();
  const hangups = onHangup();
  const logSwitch = onLogSignal(log, options.logLevel);
  const interrupted = new Promise<void>((resolve) => {
    interrupts.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const tracing = await startTracing({ name: 'swarm-coordinator', version: VERSION }, log);
  const store = await openStore(options, log);
  const patternStore = await openPatterns(options, store, log).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const failures = { count: 0 };
  const listener = await listen(options, files, log, failures).catch(async (error: unknown) => {
    await patternStore?.close();
    await store.close();
    throw error;
  });
  let drainRequested: (timeoutMs: number | null) => void = () => undefined;
  const stopping = new Promise<number>((resolve) => {
    drainRequested = (timeoutMs) => resolve(timeoutMs ?? options.drainTimeout);
    void interrupted.then(() => resolve(options.drainTimeout));
  });
  const coordinator = new Coordinator({
    onDrainRequest: drainRequested,
    onLogLevel: (level, by) => logSwitch.set(level, by),
    listener,
    store,
    ...(patternStore === null ? {} : { patternStore }),
    log,
    ...(tracing === null ? {} : { spans: tracing }),
    version: SOFTWARE,
    dropped: () => listener.dropped,
    ...(joinToken === null ? {} : { joinToken }),
    roleTokens,
    ...(audit === null ? {} : { onAudit: auditTo(audit, log) }),
    clientRate: options.clientRate,
    heartbeatIntervalMs: options.heartbeatInterval,
    sessionGraceMs: options.sessionGrace,
    taskTimeoutMs: options.taskTimeout,
    maxAgents: options.maxAgents,
    maxQueue: options.maxQueue,
    maxMessageBytes: options.maxMessageSize,
    retention: { ageMs: options.retainAge, tasks: options.retainTasks, bytes: options.retainBytes },
    idempotencyWindowMs: options.idempotencyWindow,
    kindLimits: kindLimits(options.kindLimit),
    routing: options.routing,
    routingSeed: options.routingSeed,
    agentAdmission: { perSecond: options.admitRate, burst: 2 * options.admitRate },
  });
  const metrics = coordinatorMetrics({
    figures: () => coordinator.figures(),
    listener: () => ({
      earlyDataConnections: listener.early.accepted,
      retriesSent: listener.retriesSent,
      resetsSent: listener.resetsSent,
      handshakes: listener.handshakes,
      handshakesFailed: failures.count,
    }),
    version: SOFTWARE,
  });
  const http = await startHttp(
    { view: coordinator.view, token: () => httpToken, metrics },
    options,
    log,
  ).catch(async (error: unknown) => {
    await coordinator.close();
    throw error;
  });
  await coordinator.start().catch(async (error: unknown) => {
    await http?.close();
    await coordinator.close();
    throw error;
  });
  log.info(
    {
      address: coordinator.address,
      ...(http === null ? {} : { http: http.address }),
      fingerprint: identity.fingerprint,
      version: SOFTWARE,
    },
    'ready',
  );
  const status = `accepting agents and clients at ${coordinator.address}`;
  notifier.ready(status);
  hangups.handle(async () => {
    notifier.reloading();
    reopenAudit(audit, log);
    await reload(options, listener, coordinator, (token) => (httpToken = token), log);
    notifier.ready(status);
  });
  const drainTimeout = await stopping;
  hangups.ignore();
  notifier.stopping('waiting for running tasks');
  const remaining = await coordinator.drain(drainTimeout, 'the coordinator stops');
  await http?.close();
  metrics.stop();
  await coordinator.close();
  await tracing?.close();
  audit?.close();
  interrupts.stop();
  hangups.stop();
  logSwitch.stop();
  log.info({ remaining }, 'stopped');
}

/** Before the coordinator takes up its work, which may be long: its health can be asked meanwhile. */
async function startHttp(
  served: Parameters<typeof coordinatorRoutes>[0],
  { http, httpHost }: CoordinatorOptions,
  log: Logger,
): Promise<HttpServer | null> {
  if (http === null) return null;
  return serveHttp(http, { hostNames: httpHost, routes: coordinatorRoutes(served), log });
}

/** Reads certificates and tokens again: all of them are taken, or none. */
async function reload(
  options: CoordinatorOptions,
  listener: QuicListener,
  coordinator: Coordinator,
  setHttpToken: (token: string | null) => void,
  log: Logger,
): Promise<void> {
  try {
    const files = await readFilesAgain(options);
    const { identity, clientAuthorities: ca, joinToken, roleTokens, httpToken } = files;
    listener.setIdentity({ key: identity.key, cert: identity.cert, ...(ca === null ? {} : { ca }) });
    if (joinToken !== null) coordinator.setJoinToken(joinToken);
    coordinator.setRoleTokens(roleTokens);
    setHttpToken(httpToken);
    for (const warning of identity.warnings) log.warn({}, warning);
    log.info({ fingerprint: identity.fingerprint }, 'reloaded');
  } catch (error) {
    log.error({ reason: reasonOf(error) }, NOT_RELOADED);
  }
}

async function openStore(options: CoordinatorOptions, log: Logger): Promise<Store> {
  try {
    return await openSqliteStore({ directory: options.dataDir, durability: options.durability, log });
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    throw new UsageError(`--data-dir: ${oneLine(error.message)}`, { cause: error });
  }
}
