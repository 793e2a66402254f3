import type { Command } from 'commander';
import type { Client } from '../../client/client.js';
import { CoordinatorUnreachable, Refused } from '../../client/errors.js';
import { withClient } from '../connection.js';
import { UsageError } from '../exit.js';
import { onInterrupt } from '../interrupt.js';
import { formatHostPort } from '../options/host-port.js';
import { addOptions, readOptions } from '../options/options.js';
import { topOptions } from '../options/top-options.js';
import { writeJson } from '../output/json.js';
import { Output } from '../output/output.js';
import { addExample } from '../program.js';
import { Screen } from './screen.js';
import { drawTop } from './top-screen.js';
import { initialState, sampled, scrolledBy, unanswered, type Sample, type TopState } from './top-state.js';

/** A list of agents is asked for at most once in this time for each of them: 10,000 agents, every 10 s. */
const MS_FOR_EACH_AGENT = 1;
/** Without an answer for this long, the screen says so. */
const UNANSWERED_MS = 2_000;
const CTRL_C = '\x03';

/** Adds `top`, the live view in the terminal. */
export function registerTopCommand(program: Command): Command {
  const command = program
    .command('top')
    .description('watch a running coordinator: rates, queue, agents (q quits; --json prints one snapshot)');
  addOptions(command, topOptions);
  addExample(command, 'swarm-coordinator top');
  command.action(async () => {
    const { json, ...options } = await readOptions(command, topOptions);
    if (json) return printSnapshot(options);
    if (!process.stdout.isTTY) {
      throw new UsageError('top: standard output is no terminal: --json prints one snapshot');
    }
    const interrupts = onInterrupt();
    try {
      await withClient(
        options,
        (client) =>
          live(client, options.connect.map(formatHostPort).join(', '), options.interval, interrupts.signal),
        { reattachTimeoutMs: Infinity },
      );
    } finally {
      interrupts.stop();
    }
  });
  return command;
}

async function printSnapshot(options: Parameters<typeof withClient>[0]): Promise<void> {
  const { at, status, agents } = await withClient(options, (client) => ask(client, null));
  await writeJson(new Output(), { at, status, agents });
}

/** Draws until `q` or Ctrl-C. Throws the reason of `signal`, or a refusal that another try would not change. */
async function live(client: Client, address: string, intervalMs: number, signal: AbortSignal): Promise<void> {
  let state = initialState(address);
  const quit = new AbortController();
  const stop = AbortSignal.any([quit.signal, signal]);
  const screen = new Screen(process.stdout, process.stdin, (keys) => {
    if (['q', 'Q', CTRL_C].some((key) => keys.includes(key))) {
      quit.abort();
      return;
    }
    const rows = { '\x1b[A': -1, '\x1b[B': 1, '\x1b[5~': -10, '\x1b[6~': 10 }[keys];
    if (rows !== undefined) show(scrolledBy(state, rows));
  });
  const show = (next: TopState) => {
    state = next;
    screen.paint(drawTop(state, screen.width, screen.height, Date.now()));
  };
  const repaint = () => show(state);
  process.stdout.on('resize', repaint);
  try {
    repaint();
    while (!stop.aborted) {
      const silence = setTimeout(() => show(unanswered(state, 'no answer: trying again')), UNANSWERED_MS);
      try {
        const sample = await unlessStopped(ask(client, state.sample), stop);
        if (sample !== null) show(sampled(state, sample));
      } catch (error) {
        if (!comesBack(error)) throw error;
        show(unanswered(state, `${error.message}: trying again`));
      } finally {
        clearTimeout(silence);
      }
      await pause(intervalMs, stop);
    }
  } finally {
    process.stdout.off('resize', repaint);
    screen.close();
  }
  signal.throwIfAborted();
}

/** Asks for everything that is drawn; the list of agents comes from `before` while it is young enough. */
async function ask(client: Client, before: Sample | null): Promise<Sample> {
  const age = before === null ? Infinity : Date.now() - before.agentsAt;
  const young = before !== null && age < before.agents.length * MS_FOR_EACH_AGENT;
  const [status, agents] = await Promise.all([client.status(), young ? before.agents : client.agents()]);
  const { type: _type, requestId: _requestId, ...facts } = status;
  const at = Date.now();
  return { at, agentsAt: young ? at - age : at, status: facts, agents };
}

function comesBack(error: unknown): error is CoordinatorUnreachable | Refused {
  return error instanceof CoordinatorUnreachable || (error instanceof Refused && !error.permanent);
}

/** Null when it is stopped first. */
async function unlessStopped<T>(answer: Promise<T>, stop: AbortSignal): Promise<T | null> {
  let stopped = () => {};
  const end = new Promise<null>((resolve) => {
    stopped = () => resolve(null);
    stop.addEventListener('abort', stopped, { once: true });
  });
  try {
    return await Promise.race([answer, end]);
  } finally {
    stop.removeEventListener('abort', stopped);
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end, { once: true });
  });
}
