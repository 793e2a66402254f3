import { VERSION } from '../version.js';
import { registerAgentsCommand } from './agents-command.js';
import { registerChangeTasksCommands } from './change-tasks-command.js';
import { registerCertsCommand } from './certs-command.js';
import { registerCompletionCommand } from './completion/completion-command.js';
import { EXIT, runCommand, type ExitStatus } from './exit.js';
import { registerEventsCommand } from './events-command.js';
import { registerLogLevelCommand } from './log-level-command.js';
import { registerOperateCommands } from './operate-commands.js';
import { addExample, createProgram } from './program.js';
import { registerOutcomeCommand } from './outcome-command.js';
import { registerPatternsCommand } from './patterns-command.js';
import { registerReasoningCommand } from './reasoning-command.js';
import { registerRecurringCommand } from './recurring-command.js';
import { registerRunCommand } from './run-command.js';
import { registerStatusCommand } from './status-command.js';
import { registerSubmitCommand } from './submit-command.js';
import { registerTaskCommand } from './task-command.js';
import { registerTasksCommand } from './tasks-command.js';
import { registerTopCommand } from './top/top-command.js';

/** `swarm-coordinator`: the daemon and the operator's commands. Resolves to the exit status. */
export function coordinatorMain(argv: readonly string[]): Promise<ExitStatus> {
  const program = createProgram({
    name: 'swarm-coordinator',
    description:
      'Coordinates a swarm of agents over QUIC: stores tasks, dispatches them, keeps their results.',
    version: VERSION,
  });
  program.addHelpText(
    'after',
    '\nWithout a command it runs the coordinator; `swarm-coordinator run --help` lists the flags of that.',
  );
  addExample(program, 'swarm-coordinator --listen 127.0.0.1:5000');
  let status: ExitStatus = EXIT.done;
  registerRunCommand(program);
  registerSubmitCommand(program, (ended) => (status = ended));
  registerStatusCommand(program);
  registerAgentsCommand(program);
  registerTasksCommand(program);
  registerTaskCommand(program);
  registerChangeTasksCommands(program, (ended) => (status = ended));
  registerOperateCommands(program);
  registerEventsCommand(program);
  registerLogLevelCommand(program);
  registerRecurringCommand(program);
  registerReasoningCommand(program);
  registerOutcomeCommand(program);
  registerPatternsCommand(program);
  registerCertsCommand(program);
  registerTopCommand(program);
  registerCompletionCommand(program);
  return runCommand(async () => {
    await program.parseAsync([...argv]);
    return status;
  });
}
