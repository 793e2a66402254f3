import type { Command } from 'commander';
import type { Client } from '../client/client.js';
import { withClient } from './connection.js';
import { drainOptions } from './options/drain-options.js';
import { taskKind } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { readArgument } from './options/read-argument.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

interface KindSwitch {
  readonly name: 'pause' | 'resume';
  readonly description: string;
  /** What is said of the kind afterwards. */
  readonly done: string;
  readonly apply: (client: Client, kind: string) => Promise<void>;
}

const SWITCHES: readonly KindSwitch[] = [
  {
    name: 'pause',
    description: 'give no more tasks of a kind to agents, also after a restart; running ones end',
    done: 'paused',
    apply: (client, kind) => client.pause(kind),
  },
  {
    name: 'resume',
    description: 'give tasks of a paused kind to agents again',
    done: 'resumed',
    apply: (client, kind) => client.resume(kind),
  },
];

/** Adds what changes a running coordinator as a whole: `pause KIND`, `resume KIND`, `drain`. */
export function registerOperateCommands(program: Command): void {
  for (const one of SWITCHES) registerSwitch(program, one);
  const command = program
    .command('drain')
    .description('stop a running coordinator: no new tasks, running ones may end, the rest stays on disk');
  addOptions(command, drainOptions);
  addExample(command, 'swarm-coordinator drain --timeout 30s');
  command.action(async () => {
    const options = await readOptions(command, drainOptions);
    const { timeout } = options;
    await withClient(options, (client) => client.drain(timeout === null ? {} : { timeoutMs: timeout }));
    const output = new Output();
    if (options.json) await writeJson(output, { state: 'stopped' });
    else await output.write('the coordinator has stopped\n');
  });
}

function registerSwitch(program: Command, { name, description, done, apply }: KindSwitch): void {
  const command = program.command(name).description(description).argument('KIND', 'the kind of task');
  addOptions(command, queryOptions);
  addExample(command, `swarm-coordinator ${name} compute`);
  command.action(async (kind: string) => {
    const options = await readOptions(command, queryOptions);
    const wanted = readArgument('KIND', kind, taskKind);
    await withClient(options, (client) => apply(client, wanted));
    const output = new Output();
    if (options.json) await writeJson(output, { kind: wanted, state: done });
    else await output.write(`${wanted} ${done}\n`);
  });
}
