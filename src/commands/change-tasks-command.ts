import type { Command } from 'commander';
import type { Client } from '../client/client.js';
import { TaskRejected } from '../client/errors.js';
import { asCommandError, withClient } from './connection.js';
import { CommandError, EXIT, type ExitStatus } from './exit.js';
import { taskId } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { queryOptions } from './options/query-options.js';
import { readArgument } from './options/read-argument.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

interface Change {
  readonly name: 'cancel' | 'retry';
  readonly description: string;
  /** What is said of a task that was changed. */
  readonly done: string;
  readonly apply: (client: Client, id: string) => Promise<unknown>;
}

const CHANGES: readonly Change[] = [
  {
    name: 'cancel',
    description: 'end tasks that nobody wants any more: queued ones at once, running ones are aborted',
    done: 'cancelled',
    apply: (client, id) => client.cancel(id),
  },
  {
    name: 'retry',
    description: 'queue tasks once more that failed, are dead or were cancelled, with all their attempts',
    done: 'queued',
    apply: (client, id) => client.retry(id),
  },
];

/** Adds `cancel ID…` and `retry ID…`. A task that cannot be changed is named on standard error; the others are. */
export function registerChangeTasksCommands(program: Command, end: (status: ExitStatus) => void): void {
  for (const change of CHANGES) {
    const command = program
      .command(change.name)
      .description(change.description)
      .argument('ID...', 'the tasks');
    addOptions(command, queryOptions);
    addExample(command, `swarm-coordinator ${change.name} 01890a5d-ac96-774b-bcce-b302099a8057`);
    command.action(async (ids: readonly string[]) => {
      const options = await readOptions(command, queryOptions);
      const wanted = [...new Set(ids.map((id) => readArgument('ID', id, taskId)))];
      end(await withClient(options, (client) => changeAll(client, change, wanted, options.json)));
    });
  }
}

/** The status of the first refusal; one refusal among several tasks leaves the others changed. */
async function changeAll(
  client: Client,
  { apply, done }: Change,
  ids: readonly string[],
  json: boolean,
): Promise<ExitStatus> {
  const output = new Output();
  if (ids.length === 1 && ids[0] !== undefined) {
    await apply(client, ids[0]);
    await report(output, ids[0], done, json);
    return EXIT.done;
  }
  let status: ExitStatus = EXIT.done;
  const outcomes = await Promise.allSettled(ids.map((id) => apply(client, id)));
  for (const [index, outcome] of outcomes.entries()) {
    const id = ids[index] ?? '';
    if (outcome.status === 'fulfilled') {
      await report(output, id, done, json);
      continue;
    }
    if (!(outcome.reason instanceof TaskRejected)) throw outcome.reason;
    const refusal = asCommandError(outcome.reason);
    if (!(refusal instanceof CommandError)) throw refusal;
    process.stderr.write(`error: ${id}: ${refusal.message}\n`);
    if (status === EXIT.done) status = refusal.status;
  }
  return status;
}

async function report(output: Output, taskId: string, state: string, json: boolean): Promise<void> {
  if (json) await writeJson(output, { taskId, state });
  else await output.write(`${taskId} ${state}\n`);
}
