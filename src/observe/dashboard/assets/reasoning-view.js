import { ApiError, read } from './api.js';
import { byId, element, setText } from './dom.js';
import { count, duration, percent, timeOfDay } from './format.js';

const MAX_ROWS = 100;

/** @typedef {Record<string, any>} Row */
/** @typedef {{ title: string, number?: boolean, of: (row: Row) => string }} Column */

/** @type {readonly Column[]} */
const PERFORMANCE = [
  { title: 'Agent', of: ({ agentId }) => agentId ?? 'all' },
  { title: 'Kind', of: ({ kind }) => kind ?? 'all' },
  { title: 'Outcomes', number: true, of: ({ outcomes }) => count(outcomes ?? 0) },
  {
    title: 'Success',
    number: true,
    of: ({ successRate }) => (successRate ? percent(successRate.value) : '–'),
  },
  { title: 'p95', number: true, of: ({ latency }) => duration(latency?.p95 ?? null) },
  { title: 'Score', number: true, of: ({ score }) => signed(score) },
  { title: 'Trend', number: true, of: ({ trend }) => signed(trend?.value) },
];

/** @type {readonly Column[]} */
const ADAPTATIONS = [
  { title: 'When', of: ({ endedAt }) => (endedAt === undefined ? 'under way' : timeOfDay(endedAt)) },
  { title: 'Agent', of: ({ agentId }) => agentId },
  { title: 'Change', of: ({ suggestions }) => changes(suggestions) },
  { title: 'Before', number: true, of: ({ before }) => signed(before) },
  { title: 'After', number: true, of: ({ after }) => signed(after) },
  { title: 'Helped?', of: ({ end, phase }) => helped(end ?? phase ?? '') },
];

/** @type {readonly Column[]} */
const VERDICTS = [
  { title: 'When', of: ({ judgedAt }) => timeOfDay(judgedAt) },
  { title: 'Agent', of: ({ agentId }) => agentId },
  { title: 'Kind', of: ({ kind }) => kind },
  { title: 'Score', number: true, of: ({ score }) => signed(score) },
  { title: 'Sure', number: true, of: ({ confidence }) => percent(confidence) },
  { title: 'Suggests', of: ({ suggestions }) => changes(suggestions) },
];

/** What the swarm has learned. Hidden at a coordinator that does not learn. */
export class ReasoningView {
  #section = byId('reasoning', HTMLElement);
  #body = byId('reasoning-body', HTMLElement);
  #text = byId('reasoning-text', HTMLElement);
  #absent = false;
  #shown = '';

  async refresh() {
    if (this.#absent) return;
    /** @type {Row} */
    let report;
    try {
      report = await read('/api/reasoning');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#absent = error.status === 404;
      this.#section.hidden = this.#absent;
      return;
    }
    this.#section.hidden = false;
    const text = JSON.stringify(report);
    if (text === this.#shown) return;
    this.#shown = text;
    const { counters = {}, performance = [], verdicts = [], adaptations = [], underWay = [] } = report;
    setText(
      this.#text,
      `${count(counters.experiences ?? 0)} experiences, ${count(counters.memories ?? 0)} lessons`,
    );
    const going = underWay.filter((/** @type {Row} */ { suggestions }) => suggestions?.length > 0);
    this.#body.replaceChildren(
      part(
        'Performance',
        PERFORMANCE,
        performance,
        'Nothing is known yet: it comes with the first results.',
        true,
      ),
      part(
        'Adaptations, and whether they helped',
        ADAPTATIONS,
        [...going, ...adaptations],
        'Nothing was changed yet.',
        false,
      ),
      part('Latest verdicts', VERDICTS, verdicts, 'Nothing was judged yet.', false),
    );
  }
}

/**
 * @param {string} title
 * @param {readonly Column[]} columns
 * @param {readonly Row[]} rows
 * @param {string} empty
 * @param {boolean} wide
 */
function part(title, columns, rows, empty, wide) {
  const children = [element('h3', { text: title })];
  if (rows.length === 0) children.push(element('p', { class: 'muted', text: empty }));
  else {
    const head = element('tr');
    for (const { title: text, number } of columns) {
      head.append(
        element('th', { text, class: number === true ? 'number' : '', attributes: { scope: 'col' } }),
      );
    }
    const body = element('tbody');
    for (const row of rows.slice(0, MAX_ROWS)) {
      const cells = columns.map(({ of, number }) =>
        element('td', { text: of(row), class: number === true ? 'number' : '' }),
      );
      body.append(element('tr', {}, cells));
    }
    const table = element('table', { class: 'plain', attributes: { 'aria-label': title } }, [
      element('thead', {}, [head]),
      body,
    ]);
    const attributes = { tabindex: '0', role: 'region', 'aria-label': title };
    children.push(element('div', { class: 'scroller', attributes }, [table]));
  }
  return element('div', { class: wide ? 'wide' : '' }, children);
}

/** @param {number | null | undefined} value */
function signed(value) {
  return typeof value === 'number' ? `${value > 0 ? '+' : ''}${value.toFixed(2)}` : '–';
}

/** @param {readonly Row[] | undefined} suggestions */
function changes(suggestions = []) {
  if (suggestions.length === 0) return '–';
  return suggestions
    .map(({ parameter, current, suggested }) => `${parameter}: ${current} → ${suggested}`)
    .join('; ');
}

/** @param {string} end */
function helped(end) {
  if (end === 'kept') return 'yes, kept';
  if (end === 'rolled-back') return 'no, rolled back';
  return end;
}
