import type { AgentType } from '../protocol/messages.js';
import { computeKind } from './compute/kind.js';
import { featureEngineeringKind } from './feature-engineering/kind.js';
import type { UserHandlers } from './handlers-file.js';
import type { TaskHandler, TaskKind } from './kind.js';
import { neuralTrainingKind } from './neural-training/kind.js';
import { patternMatchKind } from './pattern-match/kind.js';
import { strategyCorrelationKind } from './strategy-correlation/kind.js';

/**
 * A built-in kind and where its handler is. Kinds are imported with this file; handlers only when one is loaded, so
 * that a coordinator, which validates inputs and runs nothing, never holds a kernel.
 */
interface BuiltIn {
  readonly kind: TaskKind;
  load(user: UserHandlers | undefined): Promise<TaskHandler>;
  /** Puts a user's handler in the place of the built-in one, where it does not itself return what that one does. */
  adapt?(own: TaskHandler): Promise<TaskHandler>;
}

/** To add a kind: make its folder with `kind.ts` and `handler.ts`, and add its line here. */
const builtIns: readonly BuiltIn[] = [
  { kind: patternMatchKind, load: async () => (await import('./pattern-match/handler.js')).patternMatch },
  {
    kind: featureEngineeringKind,
    load: async () => (await import('./feature-engineering/handler.js')).featureEngineering,
  },
  {
    kind: strategyCorrelationKind,
    load: async () => (await import('./strategy-correlation/handler.js')).strategyCorrelation,
  },
  {
    kind: neuralTrainingKind,
    load: async () => (await import('./neural-training/handler.js')).neuralTraining,
    adapt: async (own) => (await import('./neural-training/handler.js')).neuralTrainingWith(own),
  },
  {
    kind: computeKind,
    load: async (user) => (await import('./compute/handler.js')).computeWith(user?.functions),
  },
];

/** The built-in kinds by name. */
export const taskKinds: ReadonlyMap<string, TaskKind> = new Map(
  builtIns.map(({ kind }) => [kind.name, kind]),
);

/** Names of the built-in kinds that an agent of this type takes: `worker` all, the others their own and `compute`. */
export function kindsOfAgent(agentType: AgentType): string[] {
  return builtIns
    .filter(({ kind }) => agentType === 'worker' || kind.agentTypes.includes(agentType))
    .map(({ kind }) => kind.name);
}

/**
 * The handler of a kind: the user's own when `user` has one for it, else the built-in. Every handler takes an input
 * as the wire brings it and checks it itself.
 *
 * @throws RangeError when neither the user's handlers nor this package have the kind.
 */
export async function loadHandler(kindName: string, user?: UserHandlers): Promise<TaskHandler> {
  const builtIn = builtIns.find(({ kind }) => kind.name === kindName);
  const own = user?.kinds.get(kindName);
  if (own !== undefined) {
    if (builtIn?.adapt !== undefined) return builtIn.adapt(own.handler);
    const check = builtIn?.kind ?? own;
    return (input, context) =>
      own.handler(check.parseInput === undefined ? input : check.parseInput(input), context);
  }
  if (builtIn === undefined) {
    const known = [...taskKinds.keys(), ...(user?.kinds.keys() ?? [])];
    throw new RangeError(`no handler for kind '${kindName}'; known kinds are ${known.join(', ')}`);
  }
  return builtIn.load(user);
}
