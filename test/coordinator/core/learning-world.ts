import assert from 'node:assert/strict';
import type { CoreOptions, CorePorts } from '../../../src/coordinator/core/contract.js';
import { BANK_OPTIONS, bankPorts } from '../../../src/coordinator/core/reasoning/bank-options.js';
import { restoreBank } from '../../../src/coordinator/core/reasoning/restore.js';
import type { Lease, MessageOf } from '../../../src/protocol/messages.js';
import { decodeValue } from '../../../src/protocol/value.js';
import type { ReasoningBank } from '../../../src/reasoning/bank.js';
import type { ExperienceRecord } from '../../../src/store/records.js';
import type { StoreOp } from '../../../src/store/store.js';
import { World, type AgentDouble, type ClientDouble } from './world.js';

/** A world of forecasts whose outcomes are reported. */

export const CONTEXT = { metric: 'dtw', points: 20, candidates: 1_000 };

/** A world in which `pattern-match` is built in. */
export function world(bank?: ReasoningBank, options: Partial<CoreOptions> = {}) {
  const recovered = bank === undefined ? undefined : { sessions: [], bank };
  return new World(options, PORTS, recovered);
}

/** A coordinator that finds what that one has stored, what was learned among it. */
export function restarted(w: World): World {
  return new World({}, PORTS, { ...w.store.recovered(), store: w.store, bank: afterCrash(w) }, w.now + 1);
}

const PORTS: Partial<CorePorts> = { admit: () => ({ ok: true, context: CONTEXT }) };

export function patternAgent(w: World, agentId: string, more: Partial<MessageOf<'AgentHandshake'>> = {}) {
  return w.agent(agentId, { agentType: 'pattern', kinds: ['pattern-match'], ...more });
}

export function forecast(
  w: World,
  agent: AgentDouble,
  client: ClientDouble,
  expectedOutcome: number | null,
): string {
  const taskId = client.submit({ kind: 'pattern-match' });
  deliver(agent, agent.takeTask(), expectedOutcome);
  w.advance(1);
  return taskId;
}

export function deliver(
  agent: AgentDouble,
  { taskId, attempt, epoch }: Lease,
  expectedOutcome: number | null,
) {
  const message: MessageOf<'PatternMatchResult'> = {
    type: 'PatternMatchResult',
    taskId,
    attempt,
    epoch,
    runMs: 5,
    patternType: 'dtw-subsequence',
    matchCount: 3,
    confidence: 0.5,
    expectedOutcome,
    computeTimeMs: 4,
  };
  agent.say(message, new Uint8Array([1]));
}

let requests = 1_000;
export function report(w: World, client: ClientDouble, taskId: string, outcome: object): string {
  const requestId = ++requests;
  w.say(client.connectionId, { type: 'ReportOutcome', requestId, taskId, ...outcome });
  const [error] = w.takeType(client.connectionId, 'ErrorReport');
  if (error !== undefined) {
    assert.equal(error.requestId, requestId, 'the error names the request');
    return error.name;
  }
  const acks = w.takeType(client.connectionId, 'MessageAck');
  return acks.some((ack) => ack.requestIds.includes(requestId) && ack.status === 'processed')
    ? 'ok'
    : 'silence';
}

export interface Learned {
  readonly performance: readonly { agentId: string | null; context: string | null; outcomes: number }[];
  readonly verdicts: readonly { agentId: string; experienceId: string; judge: string; score: number }[];
  readonly judges: readonly string[];
  readonly counters: Readonly<Record<string, unknown>>;
}

export function learned(w: World, client: ClientDouble, agentId?: string): Learned {
  const query = { type: 'QueryReasoning', requestId: ++requests } as const;
  w.say(client.connectionId, agentId === undefined ? query : { ...query, agentId });
  const [answer] = w.take(client.connectionId).filter(({ message }) => message.type === 'ReasoningReport');
  assert.ok(answer?.payload);
  return decodeValue(answer.payload) as Learned;
}

/** The bank that a coordinator would find after a crash. */
export function afterCrash(w: World): ReasoningBank {
  const entries = new Map<string, Uint8Array>();
  const experiences = new Map<string, ExperienceRecord>();
  for (const op of w.stored) apply(op);
  function apply(op: StoreOp): void {
    if (op.op === 'put-entry') entries.set(`${op.entry.collection}/${op.entry.key}`, op.entry.value);
    else if (op.op === 'drop-entry') entries.delete(`${op.collection}/${op.key}`);
    else if (op.op === 'append-experience' && !experiences.has(op.experience.experienceId)) {
      experiences.set(op.experience.experienceId, op.experience);
    }
  }
  const of = (collection: string) =>
    [...entries].filter(([key]) => key.startsWith(`${collection}/`)).map(([, value]) => value);
  const { bank, damaged } = restoreBank(
    BANK_OPTIONS,
    bankPorts(() => 'id'),
    w.now,
    {
      snapshot: of('bank-snapshot')[0] ?? null,
      forecasts: of('forecast'),
      adaptations: of('adaptation'),
      memories: of('memory'),
      experiences: [...experiences.values()].reverse(),
    },
  );
  assert.equal(damaged, 0, 'what was written can be read');
  return bank;
}

/** Forecasts of 0.02 of which `actual` comes, a bad one, until the bank has the agent change something. */
export function untilAdapted(
  w: World,
  agent: AgentDouble,
  client: ClientDouble,
  actual = -0.001,
): MessageOf<'AdaptationCommand'> {
  for (let i = 0; i < 60; i++) {
    const taskId = forecast(w, agent, client, 0.02);
    report(w, client, taskId, { actual });
    const [command] = w.takeType(agent.connectionId, 'AdaptationCommand');
    if (command !== undefined) return command;
  }
  throw new Error('no adaptation was suggested');
}
