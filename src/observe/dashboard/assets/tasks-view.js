import { read } from './api.js';
import { byId, setChoices, setText, setTone } from './dom.js';
import { count, duration, percent, timeOfDay, toneOf } from './format.js';
import { TASK_STATES } from './states.js';
import { MAX_TASKS, TaskList } from './task-list.js';
import { makeChip, VirtualGrid } from './virtual-grid.js';

/** @import { Status, SwarmEvent, Task } from './types.js' */
/** @import { Column } from './virtual-grid.js' */

/** Tasks asked for again and again, and when a reader comes to the end of the list. */
const FRESH = '200';
const PAGE = '1000';
const MAX_KINDS = 200;

/**
 * Where a task is, why it waits, or why it failed.
 * @param {Task} task
 */
export function situation({ state, waitsFor, notBefore, agentId, progress, error }) {
  if (waitsFor !== undefined) return waitsFor.detail;
  if (state === 'completed') return agentId ?? '';
  if (state === 'failed' || state === 'dead') return error === null ? '' : `${error.name}: ${error.message}`;
  if (state === 'running' || state === 'leased') {
    return progress === null ? `on ${agentId ?? '?'}` : `on ${agentId ?? '?'}, ${percent(progress)} done`;
  }
  if ((state === 'delayed' || state === 'retrying') && notBefore !== undefined)
    return `until ${timeOfDay(notBefore)}`;
  return '';
}

/** @type {readonly Column<Task>[]} */
const COLUMNS = [
  {
    title: 'Task',
    class: 'mono narrow-hidden',
    fill: (cell, { taskId }) => {
      // the first half of the id is its time: the end tells tasks apart
      setText(cell, `…${taskId.slice(-12)}`);
      cell.title = taskId;
    },
  },
  { title: 'Kind', fill: (cell, { kind }) => setText(cell, kind) },
  {
    title: 'State',
    make: makeChip,
    fill: (cell, { state }) => {
      const chip = /** @type {HTMLElement} */ (cell.firstElementChild);
      setText(chip, state);
      setTone(chip, toneOf(state));
    },
  },
  { title: 'Tries', class: 'number optional', fill: (cell, { attempts }) => setText(cell, String(attempts)) },
  {
    title: 'Where, or why it waits',
    class: 'second',
    fill: (cell, task) => {
      const text = situation(task);
      setText(cell, text);
      cell.title = text;
    },
  },
  {
    title: 'Waited',
    class: 'number optional',
    fill: (cell, { queuedMs }) => setText(cell, duration(queuedMs)),
  },
  { title: 'Ran', class: 'number optional', fill: (cell, { runMs }) => setText(cell, duration(runMs)) },
  {
    title: 'Submitted',
    class: 'number',
    fill: (cell, { submittedAt }) => setText(cell, timeOfDay(submittedAt)),
  },
];

/** The latest tasks, as many as fit, older ones as they are scrolled to. */
export class TasksView {
  #list = new TaskList({ state: '', kind: '' });
  #state = byId('tasks-state', HTMLSelectElement);
  #kind = byId('tasks-kind', HTMLSelectElement);
  #text = byId('tasks-text', HTMLElement);
  /** @type {VirtualGrid<Task>} */
  #grid;
  #loading = false;

  /**
   * @param {(task: Task) => void} onOpen
   * @param {() => void} onFilter what is shown has to be read anew
   */
  constructor(onOpen, onFilter) {
    this.#grid = new VirtualGrid(byId('tasks', HTMLElement), {
      label: 'Recent tasks',
      class: 'tasks-grid',
      columns: COLUMNS,
      keyOf: ({ taskId }) => taskId,
      empty: 'No tasks.',
      onOpen,
      onEnd: () => void this.#loadOlder(),
    });
    setChoices(this.#state, TASK_STATES);
    setChoices(this.#kind, []);
    for (const select of [this.#state, this.#kind]) {
      select.addEventListener('change', () => {
        this.#list = new TaskList({ state: this.#state.value, kind: this.#kind.value });
        this.#grid.toTop();
        onFilter();
      });
    }
  }

  /** @param {Status} status */
  showStatus({ queued }) {
    this.#learnKinds(Object.keys(queued));
  }

  /** Reads the newest page. */
  async refresh() {
    const list = this.#list;
    const { tasks, more } = await read('/api/tasks', { ...list.filter, limit: FRESH });
    list.refresh(tasks, more);
    this.#learnKinds(tasks.map((/** @type {Task} */ { kind }) => kind));
    if (list === this.#list) this.draw();
  }

  /** @param {SwarmEvent} event */
  apply(event) {
    return this.#list.apply(event);
  }

  draw() {
    const { rows, more } = this.#list;
    setText(this.#text, `${count(rows.length)}${more ? ' newest' : ''}`);
    this.#grid.show(rows);
  }

  async #loadOlder() {
    const list = this.#list;
    const { oldest } = list;
    if (this.#loading || !list.more || oldest === undefined || list.size >= MAX_TASKS) return;
    this.#loading = true;
    try {
      const { tasks, more } = await read('/api/tasks', {
        ...list.filter,
        limit: PAGE,
        before: oldest.taskId,
      });
      list.more = more;
      list.merge(tasks);
      if (list === this.#list) this.draw();
    } catch {
      // asked again when the reader scrolls on; the state of the connection says why
    } finally {
      this.#loading = false;
    }
  }

  /** @param {readonly string[]} kinds */
  #learnKinds(kinds) {
    const known = [...this.#kind.options].map(({ value }) => value).filter((value) => value !== '');
    const all = new Set([...known, ...kinds]);
    if (all.size > known.length && known.length < MAX_KINDS)
      setChoices(this.#kind, [...all].sort().slice(0, MAX_KINDS));
  }
}
