import { Argument, type Command } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../protocol/messages.js';
import { withClient } from './connection.js';
import { logLevelOptions } from './options/log-level-options.js';
import { addOptions, readOptions } from './options/options.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';

/** Adds `log-level LEVEL`: what a running coordinator, or an agent through it, logs from now on. */
export function registerLogLevelCommand(program: Command): Command {
  const command = program
    .command('log-level')
    .description('change what a running coordinator, or an agent of it, logs until it ends')
    .addArgument(new Argument('<LEVEL>', 'least severe level that is logged').choices(LOG_LEVELS));
  addOptions(command, logLevelOptions);
  addExample(command, 'swarm-coordinator log-level debug');
  command.action(async (level: LogLevel) => {
    const options = await readOptions(command, logLevelOptions);
    const { agent } = options;
    await withClient(options, (client) => client.setLogLevel(level, agent ?? undefined));
    const output = new Output();
    const who = agent === null ? 'the coordinator' : `agent ${agent}`;
    if (options.json) await writeJson(output, { agentId: agent, logLevel: level });
    else await output.write(`${who} logs ${level} from now on\n`);
  });
  return command;
}
