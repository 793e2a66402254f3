import type { Context, Experience } from '../experience.js';
import type { Verdict } from '../verdict.js';
import type { MemoryDraft } from './item.js';

/** An experience and what was said of it. */
export interface Judged {
  readonly experience: Experience;
  readonly verdict: Verdict;
}

/** Experiences of one kind in like circumstances that all went well, or all did not. */
export interface Batch {
  readonly kind: string;
  /** Key of the context. */
  readonly context: string;
  readonly learnedFrom: 'success' | 'failure';
  /** Oldest first, never empty. */
  readonly judged: readonly Judged[];
}

/** Draws lessons from experiences. Must be pure. One that takes time works outside and brings its drafts as an event. */
export type Distiller = (batch: Batch) => readonly MemoryDraft[];

/** Says in sentences what the numbers of the batch say: who did it, how well, and what most helped or hindered. */
export const plainDistiller: Distiller = (batch) => {
  const { kind, context, learnedFrom, judged } = batch;
  const where = context === '' ? kind : `${kind} (${context})`;
  const agents = countBy(judged.map(({ experience }) => experience.agentId));
  const score = mean(judged.map(({ verdict }) => verdict.score));
  const part = tellingPart(batch);
  const success = learnedFrom === 'success';
  const [agent, times] = agents[0] ?? ['', 0];
  const shared = sharedContext(judged.map(({ experience }) => experience.context));
  const settings = Object.entries(shared).map(([name, value]) => `${name} = ${String(value)}`);
  return [
    {
      title: success ? `${where}: works well` : `${where}: avoid ${AVOID[part]}`,
      description: success
        ? `${judged.length} experiences went well, with a mean score of ${score.toFixed(2)}; ${PRAISE[part]}.`
        : `${judged.length} experiences went badly, with a mean score of ${score.toFixed(2)}; ${BLAME[part]}.`,
      content: [
        `${success ? 'Prefer' : 'Check'} ${agent}: ${times} of the ${judged.length} were its own.`,
        settings.length === 0
          ? 'Their settings differ.'
          : `All of them had ${settings.join(', ')}${success ? ': keep this' : ': try something else'}.`,
        latencySentence(judged),
      ].join(' '),
      kind,
      learnedFrom,
      context: sharedCircumstances(batch),
      sources: judged.map(({ experience }) => experience.experienceId),
    },
  ];
};

const PARTS = ['quality', 'speed', 'calibration', 'reliability'] as const;
type Part = (typeof PARTS)[number];

const PRAISE: Readonly<Record<Part, string>> = {
  quality: 'the outcomes were good',
  speed: 'they were faster than others',
  calibration: 'the confidence fitted the outcomes',
  reliability: 'the agents rarely fail at this',
};
const BLAME: Readonly<Record<Part, string>> = {
  quality: 'the outcomes were poor',
  speed: 'they were slower than others, or never came',
  calibration: 'the confidence did not fit the outcomes',
  reliability: 'the agents often fail at this',
};
const AVOID: Readonly<Record<Part, string>> = {
  quality: 'poor outcomes',
  speed: 'slow agents',
  calibration: 'misplaced confidence',
  reliability: 'unreliable agents',
};

/** The part with the most extreme mean, on the side of the batch. */
function tellingPart({ learnedFrom, judged }: Batch): Part {
  const sign = learnedFrom === 'success' ? 1 : -1;
  let telling: Part = 'quality';
  let most = -Infinity;
  for (const part of PARTS) {
    const extent = sign * mean(judged.map(({ verdict }) => verdict.parts[part] ?? 0));
    if (extent <= most) continue;
    telling = part;
    most = extent;
  }
  return telling;
}

/** What the experiences of a batch have in common, and the medians of numbers in which they differ. */
export function sharedCircumstances({ judged }: Batch): Context {
  const contexts = judged.map(({ experience }) => experience.context);
  return { ...typicalNumbers(contexts), ...sharedContext(contexts) };
}

/** Entries that are the same in all. */
function sharedContext(contexts: readonly Context[]): Context {
  const [first, ...others] = contexts;
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(([name, value]) =>
      others.every((other) => Object.hasOwn(other, name) && other[name] === value),
    ),
  );
}

/** The medians of those entries that are numbers in all. */
function typicalNumbers(contexts: readonly Context[]): Context {
  const typical: [string, number][] = [];
  for (const name of Object.keys(contexts[0] ?? {})) {
    const numbers = contexts.flatMap((context) => {
      const value = Object.hasOwn(context, name) ? context[name] : null;
      return typeof value === 'number' ? value : [];
    });
    const median = numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
    if (median !== undefined && numbers.length === contexts.length) typical.push([name, median]);
  }
  return Object.fromEntries(typical);
}

function latencySentence(judged: readonly Judged[]): string {
  const latencies = judged.flatMap(({ experience: { outcome } }) => outcome.latencyMs ?? []);
  if (latencies.length === 0) return 'None brought a result.';
  return `Mean latency ${mean(latencies).toPrecision(3)} ms.`;
}

/** Most frequent first, then by name. */
function countBy(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
