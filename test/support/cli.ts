import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Daemon, DaemonOptions } from '../../scripts/lib/daemons.js';
import {
  PACKAGE_ROOT,
  startAgent,
  startCoordinator,
  withoutSwarmVariables,
} from '../../scripts/lib/daemons.js';
import { plainNode } from '../../scripts/lib/plain-node.js';
import { Client, connectQuic } from '../../src/index.js';

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
}

export interface CliOptions {
  readonly cwd: string;
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs an executable to its end. */
export function runCli(
  executable: 'swarm-coordinator' | 'swarm-agent',
  args: readonly string[],
  options: CliOptions,
): Promise<CliResult> {
  return startCli(executable, args, options).result;
}

export function startCli(
  executable: 'swarm-coordinator' | 'swarm-agent',
  args: readonly string[],
  options: CliOptions,
): RunningCli {
  const child = spawn(...plainNode([join(PACKAGE_ROOT, 'bin', `${executable}.js`), ...args]), {
    cwd: options.cwd,
    env: { ...withoutSwarmVariables(), ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { result, kill: (signal) => void child.kill(signal) };
}

export interface Swarm {
  readonly cwd: string;
  readonly address: string;
  /** The one that was started last. */
  readonly coordinator: Daemon;
  /** Kills the coordinator without warning, and starts it again on its address and data directory. */
  crash(): Promise<void>;
  /** A client in the process of the test, for where what a command prints is not the point; the same until a crash. */
  client(): Promise<Client>;
  /** Starts an agent that is registered; stopped when the test ends. */
  agent(id: string, args?: readonly string[]): Promise<Daemon>;
  /** `swarm-coordinator ARGS --connect …` in the swarm's directory. */
  run(args: readonly string[], stdin?: string): Promise<CliResult>;
  /** The same, not waited for. */
  start(args: readonly string[], stdin?: string): RunningCli;
}

/** A coordinator on a free port in a directory of its own; all processes end with the test. `options`: of the daemons. */
export async function startSwarm(
  t: Test,
  args: readonly string[] = [],
  options: DaemonOptions = {},
): Promise<Swarm> {
  const cwd = t.testdir();
  const first = await startCoordinator(cwd, args, options);
  const { address } = first;
  let coordinator = first.daemon;
  t.teardown(() => coordinator.stop());
  let client: Promise<Client> | null = null;
  const start = (commandArgs: readonly string[], stdin?: string) =>
    startCli('swarm-coordinator', [...commandArgs, '--connect', address], {
      cwd,
      ...(stdin === undefined ? {} : { stdin }),
    });
  return {
    cwd,
    address,
    get coordinator() {
      return coordinator;
    },
    crash: async () => {
      coordinator.kill('SIGKILL');
      await coordinator.exited;
      client = null;
      coordinator = (await startCoordinator(cwd, ['--listen', address, ...args], options)).daemon;
    },
    client: () => (client ??= connectedClient(t, cwd, address)),
    agent: async (id, agentArgs = []) => {
      const agent = await startAgent(cwd, address, id, agentArgs, options);
      t.teardown(() => agent.stop());
      return agent;
    },
    run: (commandArgs, stdin) => start(commandArgs, stdin).result,
    start,
  };
}

async function connectedClient(t: Test, cwd: string, address: string): Promise<Client> {
  const connector = connectQuic({ tls: { ca: await readFile(join(cwd, 'certs', 'ca.crt'), 'utf8') } });
  t.teardown(() => connector.close());
  const client = await Client.connect({ addresses: [address], connector: (to) => connector.connect(to) });
  t.teardown(() => client.close());
  return client;
}

/** The one line of standard error that an error is. */
export function errorLine(result: CliResult): string {
  const lines = result.stderr.trimEnd().split('\n');
  return lines.length === 1 ? (lines[0] ?? '') : `not one line: ${result.stderr}`;
}
