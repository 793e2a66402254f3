import type { Command } from 'commander';
import { VERSION } from '../version.js';
import { EXIT, runCommand, type ExitStatus } from './exit.js';
import { addExample, createProgram } from './program.js';

type Register = (program: Command, end: (status: ExitStatus) => void) => void;

/** The commands in the order of `--help`, with the names that each part adds. */
const PARTS: readonly { readonly names: readonly string[]; readonly load: () => Promise<Register> }[] = [
  { names: ['run'], load: async () => (await import('./run-command.js')).registerRunCommand },
  { names: ['submit'], load: async () => (await import('./submit-command.js')).registerSubmitCommand },
  { names: ['status'], load: async () => (await import('./status-command.js')).registerStatusCommand },
  { names: ['agents'], load: async () => (await import('./agents-command.js')).registerAgentsCommand },
  { names: ['tasks'], load: async () => (await import('./tasks-command.js')).registerTasksCommand },
  { names: ['task'], load: async () => (await import('./task-command.js')).registerTaskCommand },
  {
    names: ['cancel', 'retry'],
    load: async () => (await import('./change-tasks-command.js')).registerChangeTasksCommands,
  },
  {
    names: ['pause', 'resume', 'drain'],
    load: async () => (await import('./operate-commands.js')).registerOperateCommands,
  },
  { names: ['events'], load: async () => (await import('./events-command.js')).registerEventsCommand },
  {
    names: ['log-level'],
    load: async () => (await import('./log-level-command.js')).registerLogLevelCommand,
  },
  {
    names: ['recurring'],
    load: async () => (await import('./recurring-command.js')).registerRecurringCommand,
  },
  {
    names: ['reasoning'],
    load: async () => (await import('./reasoning-command.js')).registerReasoningCommand,
  },
  { names: ['outcome'], load: async () => (await import('./outcome-command.js')).registerOutcomeCommand },
  { names: ['patterns'], load: async () => (await import('./patterns-command.js')).registerPatternsCommand },
  { names: ['certs'], load: async () => (await import('./certs-command.js')).registerCertsCommand },
  { names: ['top'], load: async () => (await import('./top/top-command.js')).registerTopCommand },
  {
    names: ['completion'],
    load: async () => (await import('./completion/completion-command.js')).registerCompletionCommand,
  },
];
/** Tells of all the others. */
const WHOLE = 'completion';

/** `swarm-coordinator`: the daemon and the operator's commands. Resolves to the exit status. */
export function coordinatorMain(argv: readonly string[]): Promise<ExitStatus> {
  return runCommand(async () => {
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
    for (const register of await Promise.all(partsFor(argv[2]).map(({ load }) => load()))) {
      register(program, (ended) => (status = ended));
    }
    await program.parseAsync([...argv]);
    return status;
  });
}

/** Of a command that is named first its own part alone: the daemon's modules would double its start. */
function partsFor(first: string | undefined): typeof PARTS {
  if (first === undefined || first === WHOLE) return PARTS;
  if (first === '--version' || first === '-V') return [];
  const named = PARTS.filter(({ names }) => names.includes(first));
  return named.length > 0 ? named : PARTS;
}
