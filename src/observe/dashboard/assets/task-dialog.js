import { ApiError, read } from './api.js';
import { byId, element, setText } from './dom.js';
import { dateAndTime, duration, percent, timeOfDay, toneOf } from './format.js';
import { isFinished } from './states.js';

/** @import { Task, TaskHistoryEntry } from './types.js' */
/** @import { TaskActions } from './task-actions.js' */

const RETRYABLE = new Set(['failed', 'dead', 'cancelled']);
/** Characters of a result that are shown. */
const MAX_RESULT = 20_000;

/** One task: how it stands, why it waits, its story, its result. */
export class TaskDialog {
  #dialog = byId('task-dialog', HTMLDialogElement);
  #title = byId('task-dialog-title', HTMLElement);
  #body = byId('task-dialog-body', HTMLElement);
  /** @type {string | null} */
  #taskId = null;
  #shown = '';

  /** @param {TaskActions} actions */
  constructor(actions) {
    this.actions = actions;
    this.#dialog.querySelector('[data-close]')?.addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#taskId = null;
      this.#body.replaceChildren();
    });
  }

  /** @param {{ taskId: string, kind: string }} task */
  async open({ taskId, kind }) {
    this.#taskId = taskId;
    this.#shown = '';
    setText(this.#title, kind);
    this.#body.replaceChildren(element('p', { class: 'muted', text: 'reading' }));
    this.#dialog.showModal();
    await this.refresh();
  }

  /** Reads the open task again. */
  async refresh() {
    const taskId = this.#taskId;
    if (taskId === null) return;
    try {
      const task = await read('/api/task', { id: taskId });
      // what is the same stays, with the reader's focus, selection and scrolling
      const text = JSON.stringify(task);
      if (this.#taskId !== taskId || text === this.#shown) return;
      this.#shown = text;
      this.#show(task);
    } catch (error) {
      if (this.#taskId !== taskId) return;
      const text = error instanceof ApiError ? error.message : 'The coordinator cannot be reached.';
      this.#body.replaceChildren(element('p', { class: 'problem', text }));
      this.#shown = '';
    }
  }

  /** @param {Task & { history: readonly TaskHistoryEntry[], result?: unknown, resultBytes: number | null }} task */
  #show(task) {
    const { taskId, state, priority, attempts, maxAttempts, agentId, progress, error, waitsFor } = task;
    /** @type {[string, Node | string][]} */
    const facts = [
      ['Task', element('span', { class: 'mono', text: taskId })],
      ['State', element('span', { class: 'chip', tone: toneOf(state), text: state })],
      ['Priority', String(priority)],
      ['Attempts', maxAttempts === undefined ? String(attempts) : `${attempts} of ${maxAttempts}`],
      ['Agent', agentId ?? '–'],
      ['Submitted', dateAndTime(task.submittedAt)],
      ['Waited', duration(task.queuedMs)],
      ['Ran', duration(task.runMs)],
    ];
    if (state === 'running' && progress !== null) facts.push(['Done', percent(progress)]);
    if (task.notBefore !== undefined) facts.push(['Not before', dateAndTime(task.notBefore)]);
    if (task.finishedAt !== undefined) facts.push(['Ended', dateAndTime(task.finishedAt)]);
    if (error !== null)
      facts.push(['Error', element('span', { class: 'problem', text: `${error.name}: ${error.message}` })]);
    const list = element('dl', { class: 'facts' });
    for (const [name, value] of facts) list.append(element('dt', { text: name }), element('dd', {}, [value]));
    /** @type {HTMLElement[]} */
    const parts = [list];
    if (waitsFor !== undefined) {
      parts.push(
        element('p', { class: 'waits', attributes: { 'data-reason': waitsFor.reason } }, [
          element('strong', { text: 'Why it waits: ' }),
          waitsFor.detail,
        ]),
      );
    }
    parts.push(
      element('h3', { text: 'What happened' }),
      element(
        'ol',
        { class: 'story' },
        task.history.map((entry) => element('li', {}, storyOf(entry))),
      ),
    );
    if (task.result !== undefined) {
      const text = JSON.stringify(task.result, null, 2) ?? '';
      parts.push(
        element('h3', { text: 'Result' }),
        element('pre', {
          text: text.length > MAX_RESULT ? `${text.slice(0, MAX_RESULT)}…` : text,
          attributes: { tabindex: '0', 'aria-label': 'Result' },
        }),
      );
    } else if (task.resultBytes !== null) {
      parts.push(
        element('p', {
          class: 'muted',
          text: `The result has ${task.resultBytes} bytes: swarm-coordinator task ID shows it.`,
        }),
      );
    }
    const actions = element('div', { class: 'actions' });
    if (RETRYABLE.has(state)) actions.append(this.#action('retry', 'Retry', ''));
    if (!isFinished(state)) actions.append(this.#action('cancel', 'Cancel task', 'quiet'));
    if (actions.children.length > 0) parts.push(actions);
    this.#body.replaceChildren(...parts);
  }

  /**
   * @param {'retry' | 'cancel'} what
   * @param {string} text
   * @param {string} style
   */
  #action(what, text, style) {
    const button = element('button', { text, class: style, attributes: { type: 'button' } });
    button.addEventListener('click', async () => {
      if (this.#taskId === null) return;
      button.disabled = true;
      await this.actions.run(what, this.#taskId);
      button.disabled = false;
      await this.refresh();
    });
    return button;
  }
}

/** @param {TaskHistoryEntry} entry */
function storyOf({ at, event, attempt, agentId, detail }) {
  const said = [
    event,
    ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
    ...(agentId === undefined ? [] : [`on ${agentId}`]),
  ];
  return [
    element('span', { class: 'muted', text: `${timeOfDay(at)}  ` }),
    element('strong', { text: said.join(', ') }),
    ...(detail === undefined ? [] : [` ${detail}`]),
  ];
}
