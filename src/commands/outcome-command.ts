import type { Command } from 'commander';
import type { TaskWorth } from '../client/reasoning.js';
import { withClient } from './connection.js';
import { UsageError } from './exit.js';
import { taskId } from './options/identity.js';
import { addOptions, readOptions } from './options/options.js';
import { outcomeOptions } from './options/outcome-options.js';
import { readArgument } from './options/read-argument.js';
import type { Values } from './options/spec.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

/** Adds `outcome ID --actual X | --value V`: what came of a result, once that is known. */
export function registerOutcomeCommand(program: Command): Command {
  const command = program
    .command('outcome')
    .description('say what came of the result of a task, so that the swarm learns from it')
    .argument('ID', 'the task');
  addOptions(command, outcomeOptions);
  addExample(command, 'swarm-coordinator outcome 01890a5d-ac96-774b-bcce-b302099a8057 --actual 0.012');
  command.action(async (id: string) => {
    const options = await readOptions(command, outcomeOptions);
    const wanted = readArgument('ID', id, taskId);
    const worth = worthOf(options);
    await withClient(options, (client) => client.reportOutcome(wanted, worth));
    const output = new Output();
    if (options.json) await writeJson(output, { taskId: wanted, state: 'recorded' });
    else await output.write(`${wanted} outcome recorded\n`);
  });
  return command;
}

function worthOf({ actual, value, success }: Values<typeof outcomeOptions>): TaskWorth {
  if (actual !== null && value !== null) {
    throw new UsageError('--value: cannot be given beside --actual; give one of them');
  }
  if (actual !== null) {
    if (success === null) return { actual };
    throw new UsageError('--success: needs --value; what a forecast was worth follows from --actual');
  }
  if (value === null) throw new UsageError('--actual: is missing; give --actual X or --value V');
  return success === null ? { value } : { value, success };
}
