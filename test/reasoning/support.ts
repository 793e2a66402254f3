import { ReasoningBank } from '../../src/reasoning/bank.js';
import type { BankEvent, BankOptions, BankPorts, BankSnapshot } from '../../src/reasoning/contract.js';
import type { Experience } from '../../src/reasoning/experience.js';
import { SeededRandom, type RandomSource } from '../../src/numeric/random.js';

export function anExperience(given: Partial<Experience> = {}): Experience {
  return {
    experienceId: 'task:1',
    source: 'task',
    agentId: 'a',
    kind: 'k',
    action: 'k',
    taskId: '1',
    context: {},
    outcome: { value: 1, confidence: null, latencyMs: 10, success: true },
    startedAt: 0,
    recordedAt: 0,
    ...given,
  };
}

type Completed = Extract<BankEvent, { type: 'taskCompleted' }>;

export function completed(taskId: string, given: Partial<Completed> = {}): Completed {
  return {
    type: 'taskCompleted',
    taskId,
    agentId: 'a',
    kind: 'k',
    context: {},
    startedAt: 0,
    latencyMs: 10,
    confidence: null,
    ...given,
  };
}

/** A standard normal number. */
export function normal(random: RandomSource): number {
  return Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

/** Ids that count up, so that runs compare. */
export function ports(seed = 1): BankPorts {
  let ids = 0;
  return { random: new SeededRandom(seed), newId: () => `id-${++ids}` };
}

export function aBank(
  options: BankOptions = {},
  snapshot?: BankSnapshot,
  given: BankPorts = ports(),
): ReasoningBank {
  return new ReasoningBank(options, given, 0, snapshot);
}
