import { element, setText, setTone } from './dom.js';
import { bytes, count, duration, rate, toneOf } from './format.js';
import { AGENT_STATES, TASK_STATES } from './states.js';

/** @import { AgentSummary, Status } from './types.js' */

/** Kinds named in the queue; the rest are shown as one. */
const MAX_KINDS = 50;

/** The figures at the top, tasks by state, queue by kind. */
export class Overview {
  /** @type {Map<string, { tile: HTMLElement, value: HTMLElement, hint: HTMLElement }>} */
  #tiles = new Map();
  /** @type {Map<string, HTMLElement>} */
  #states = new Map();
  /** @type {Map<string, { item: HTMLElement, count: HTMLElement, fill: HTMLElement }>} */
  #kinds = new Map();

  /**
   * @param {HTMLElement} tiles
   * @param {HTMLElement} states
   * @param {HTMLElement} queue
   */
  constructor(tiles, states, queue) {
    this.queue = queue;
    for (const [name, title] of [
      ['agents', 'Agents'],
      ['waiting', 'Waiting tasks'],
      ['active', 'Running tasks'],
      ['rate', 'Completed a second'],
      ['latency', 'Latency p99'],
      ['dead', 'Dead letters'],
    ]) {
      const value = element('dd', { class: 'value', text: '–' });
      const hint = element('dd', { class: 'hint', text: '\u00a0' });
      const tile = element('div', { class: 'tile', attributes: { 'data-tile': name ?? '' } }, [
        element('dt', { text: title ?? '' }),
        value,
        hint,
      ]);
      this.#tiles.set(name ?? '', { tile, value, hint });
      tiles.append(tile);
    }
    for (const state of TASK_STATES) {
      const value = element('dd', { text: '–', attributes: { 'data-state': state } });
      states.append(
        element('div', {}, [element('dt', { class: 'chip', tone: toneOf(state), text: state }), value]),
      );
      this.#states.set(state, value);
    }
  }

  /** @param {Status} status */
  showStatus({ agents, tasks, queued, paused = [], memoryBytes, clients }) {
    const of = (/** @type {string[]} */ ...states) =>
      states.reduce((sum, state) => sum + (tasks[state] ?? 0), 0);
    for (const [state, target] of this.#states) setText(target, count(of(state)));
    const total = Object.values(agents).reduce((sum, n) => sum + n, 0);
    this.#tile('agents', count(total), null);
    this.#tile(
      'waiting',
      count(of('queued', 'delayed', 'blocked', 'retrying')),
      `${count(of('queued'))} ready`,
    );
    this.#tile('active', count(of('leased', 'running')), `${count(clients)} clients · ${bytes(memoryBytes)}`);
    const dead = of('dead');
    this.#tile('dead', count(dead), `${count(of('failed'))} failed`, dead > 0 ? 'bad' : '');
    this.#showQueue(queued, paused);
  }

  /** @param {readonly AgentSummary[]} agents */
  showAgents(agents) {
    const told = AGENT_STATES.map((state) => [agents.filter((agent) => agent.state === state).length, state])
      .filter(([n, state]) => n !== 0 || state === 'connected')
      .map(([n, state]) => `${count(Number(n))} ${state ?? ''}`);
    const troubled = agents.some(({ state }) => state === 'suspect' || state === 'disconnected');
    this.#tile('agents', null, told.join(', '), troubled ? 'warn' : '');
  }

  /** @param {{ completedPerSecond: number, p50: number | null, p99: number | null }} recent */
  showRates({ completedPerSecond, p50, p99 }) {
    this.#tile('rate', rate(completedPerSecond), 'over 10 seconds');
    this.#tile('latency', duration(p99), p50 === null ? 'nothing ended lately' : `p50 ${duration(p50)}`);
  }

  /**
   * @param {string} name
   * @param {string | null} value null leaves it
   * @param {string | null} hint
   * @param {string} [tone]
   */
  #tile(name, value, hint, tone) {
    const parts = this.#tiles.get(name);
    if (parts === undefined) return;
    if (value !== null) setText(parts.value, value);
    if (hint !== null) {
      setText(parts.hint, hint);
      parts.hint.title = hint;
    }
    if (tone !== undefined) setTone(parts.tile, tone);
  }

  /**
   * @param {Readonly<Record<string, number>>} queued
   * @param {readonly string[]} paused
   */
  #showQueue(queued, paused) {
    const stopped = new Set(paused);
    const all = Object.entries(queued)
      .filter(([, n]) => n > 0)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const shown = all.slice(0, MAX_KINDS);
    const rest = all.slice(MAX_KINDS).reduce((sum, [, n]) => sum + n, 0);
    if (rest > 0) shown.push(['other kinds', rest]);
    const most = Math.max(1, ...shown.map(([, n]) => n));
    const names = new Set(shown.map(([kind]) => kind));
    for (const [kind, { item }] of this.#kinds) {
      if (names.has(kind)) continue;
      item.remove();
      this.#kinds.delete(kind);
    }
    this.queue.querySelector('.empty')?.remove();
    if (shown.length === 0)
      this.queue.append(element('li', { class: 'empty', text: 'Nothing waits for an agent.' }));
    shown.forEach(([kind, n], place) => {
      const bar = this.#kinds.get(kind) ?? this.#makeBar(kind);
      setText(bar.count, stopped.has(kind) ? `${count(n)}, paused` : count(n));
      bar.fill.style.transform = `scaleX(${n / most})`;
      if (this.queue.children[place] !== bar.item)
        this.queue.insertBefore(bar.item, this.queue.children[place] ?? null);
    });
  }

  /** @param {string} kind */
  #makeBar(kind) {
    const number = element('span', { class: 'count' });
    const fill = element('div', { class: 'fill' });
    const track = element('div', { class: 'track', attributes: { 'aria-hidden': 'true' } }, [fill]);
    const item = element('li', { attributes: { 'data-kind': kind } }, [
      element('span', { text: kind }),
      number,
      track,
    ]);
    const bar = { item, count: number, fill };
    this.#kinds.set(kind, bar);
    return bar;
  }
}
