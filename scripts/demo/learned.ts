import type { ReasoningReport } from '../../src/index.js';
import { milliseconds } from '../../src/commands/output/durations.js';
import { formatTable } from '../../src/commands/output/table.js';

const LESSONS = 3;
const WIDTH = 80;

/** What the swarm learned, as text for a terminal. */
export function reportLearned(report: ReasoningReport): string {
  const { counters, judges } = report;
  return [
    `What the swarm learned from ${counters.experiences} outcomes, judged by ${judges.join(', ') || 'the coordinator'}`,
    indented(performanceTable(report)),
    indented(verdicts(report)),
    indented(adaptations(report)),
    indented(lessons(report)),
  ].join('\n');
}

/** By agent and kind. */
function performanceTable({ performance }: ReasoningReport): string {
  const rows = performance.filter(
    ({ agentId, kind, context }) => agentId !== null && kind !== null && context === null,
  );
  return formatTable(
    [
      { title: 'AGENT' },
      { title: 'KIND' },
      { title: 'RESULTS', align: 'right' },
      { title: 'OUTCOME', align: 'right' },
      { title: 'P50', align: 'right' },
      { title: 'SCORE', align: 'right' },
    ],
    rows.map(({ agentId, kind, delivered, outcome, latency, score }) => [
      agentId ?? '',
      kind ?? '',
      String(delivered),
      outcome === null ? '-' : interval(outcome),
      milliseconds(latency?.p50 ?? null),
      score === null ? '-' : signed(score),
    ]),
    WIDTH - 2,
  ).trimEnd();
}

function verdicts({ verdicts: latest }: ReasoningReport): string {
  const good = latest.filter(({ score }) => score > 0).length;
  return `of the latest ${latest.length} verdicts ${good} were good and ${latest.length - good} were not`;
}

/** What was changed, and whether it helped. */
function adaptations({ adaptations: ended, underWay }: ReasoningReport): string {
  const rows = [
    ...ended
      .toReversed()
      .map(({ agentId, suggestions, end, before, after, comparison }) => [
        agentId,
        changes(suggestions),
        before === null ? '-' : signed(before),
        after === null ? '-' : signed(after),
        comparison === null ? '-' : comparison.pValue.toFixed(2),
        end,
      ]),
    ...underWay
      .filter(({ suggestions }) => suggestions.length > 0)
      .map(({ agentId, phase, suggestions, gathered }) => [
        agentId,
        changes(suggestions),
        '',
        '',
        '',
        `${phase} (${gathered})`,
      ]),
  ];
  if (rows.length === 0) return 'no agent did badly enough to be told to change anything';
  const columns = [
    { title: 'AGENT' },
    { title: 'CHANGE', shrink: true },
    { title: 'BEFORE', align: 'right' as const },
    { title: 'AFTER', align: 'right' as const },
    { title: 'P', align: 'right' as const },
    { title: 'END' },
  ];
  return `changes of parameters, with the mean scores before and after\n${indented(formatTable(columns, rows, WIDTH - 4).trimEnd())}`;
}

function changes(suggestions: ReasoningReport['underWay'][number]['suggestions']): string {
  return suggestions
    .map(({ parameter, current, suggested }) => `${parameter} ${String(current)} to ${String(suggested)}`)
    .join(', ');
}

function lessons({ memories }: ReasoningReport): string {
  if (memories.length === 0) return 'no lessons yet';
  const told = memories
    .slice(0, LESSONS)
    .map(({ title, description }) => wrapped(`${title}. ${description}`, WIDTH - 6));
  const all = memories.length > LESSONS ? `, the first ${LESSONS}` : '';
  return `${memories.length} lessons for tasks to come${all}\n${told.map((lesson) => `- ${lesson.replaceAll('\n', '\n  ')}`).join('\n')}`;
}

/** A mean and half of its 95 % interval. */
function interval({ mean, high }: { readonly mean: number; readonly high: number | null }): string {
  return high === null ? mean.toFixed(2) : `${mean.toFixed(2)} ±${(high - mean).toFixed(2)}`;
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}

/** Lines of at most `width` characters, broken at blanks. */
function wrapped(text: string, width: number): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
