import { byId, setChoices, setText, setTone } from './dom.js';
import { ago, count, duration, percent, toneOf } from './format.js';
import { AGENT_STATES } from './states.js';
import { makeChip, VirtualGrid } from './virtual-grid.js';

/** @import { AgentSummary } from './types.js' */
/** @import { Column } from './virtual-grid.js' */

/** @typedef {AgentSummary & { readonly heardMsAgo: number }} AgentRow */

/** @type {readonly Column<AgentRow>[]} */
const COLUMNS = [
  {
    title: 'Agent',
    fill: (cell, { agentId, kinds, address }) => {
      setText(cell, agentId);
      cell.title = `${agentId} at ${address}: ${kinds.join(', ')}`;
    },
  },
  { title: 'Type', class: 'second', fill: (cell, { agentType }) => setText(cell, agentType) },
  {
    title: 'State',
    make: makeChip,
    fill: (cell, { state, stalled }) => {
      const chip = /** @type {HTMLElement} */ (cell.firstElementChild);
      setText(chip, stalled === true && state === 'connected' ? 'stalled' : state);
      setTone(chip, stalled === true ? 'warn' : toneOf(state));
    },
  },
  {
    title: 'Tasks',
    class: 'number',
    fill: (cell, { activeTasks, concurrency }) => setText(cell, `${activeTasks}/${concurrency}`),
  },
  { title: 'Load', class: 'number second', fill: (cell, { load }) => setText(cell, percent(load)) },
  { title: 'RTT', class: 'number narrow-hidden', fill: (cell, { rttMs }) => setText(cell, duration(rttMs)) },
  {
    title: 'Heard',
    class: 'number second',
    fill: (cell, { heardMsAgo }) => setText(cell, ago(heardMsAgo)),
  },
  {
    title: 'Completed',
    class: 'number optional',
    fill: (cell, { completed }) => setText(cell, count(completed)),
  },
  { title: 'Failed', class: 'number optional', fill: (cell, { failed }) => setText(cell, count(failed)) },
  {
    title: 'Succeeded',
    class: 'number optional',
    fill: (cell, { completed, failed }) =>
      setText(cell, completed + failed === 0 ? '–' : percent(completed / (completed + failed))),
  },
];

/** All agents, those in trouble first. */
export class AgentsView {
  /** @type {readonly AgentRow[]} */
  #agents = [];
  #find = byId('agents-find', HTMLInputElement);
  #state = byId('agents-state', HTMLSelectElement);
  #text = byId('agents-text', HTMLElement);
  #grid = new VirtualGrid(byId('agents', HTMLElement), {
    label: 'Agents',
    class: 'agents-grid',
    columns: COLUMNS,
    keyOf: ({ agentId }) => agentId,
    empty: 'No agents. Start one: swarm-agent --id agent-1',
  });

  constructor() {
    setChoices(this.#state, AGENT_STATES);
    this.#find.addEventListener('input', () => this.#draw());
    this.#state.addEventListener('change', () => this.#draw());
  }

  /**
   * @param {readonly AgentSummary[]} agents
   * @param {number} now by the coordinator's clock
   */
  show(agents, now) {
    const names = new Intl.Collator('en', { numeric: true });
    this.#agents = agents
      .map((agent) => ({ ...agent, heardMsAgo: now - agent.lastHeardAt }))
      .sort((a, b) => rank(a) - rank(b) || names.compare(a.agentId, b.agentId));
    this.#draw();
  }

  #draw() {
    const wanted = this.#find.value.trim().toLowerCase();
    const state = this.#state.value;
    const shown = this.#agents.filter(
      (agent) =>
        (state === '' || agent.state === state) &&
        (wanted === '' ||
          agent.agentId.toLowerCase().includes(wanted) ||
          agent.agentType.includes(wanted) ||
          agent.kinds.some((kind) => kind.includes(wanted))),
    );
    const all = this.#agents.length;
    setText(this.#text, shown.length === all ? count(all) : `${count(shown.length)} of ${count(all)}`);
    setText(
      this.#grid.empty,
      all === 0 ? 'No agents. Start one: swarm-agent --id agent-1' : 'No agent matches.',
    );
    this.#grid.show(shown);
  }
}

/** @param {AgentSummary} agent */
function rank({ state, stalled }) {
  return state === 'disconnected' ? 0 : state === 'suspect' ? 1 : stalled === true ? 2 : 3;
}
