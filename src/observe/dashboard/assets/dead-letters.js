import { read } from './api.js';
import { byId, element, setText } from './dom.js';
import { count, dateAndTime } from './format.js';

/** @import { Task } from './types.js' */
/** @import { TaskActions } from './task-actions.js' */

const LIMIT = 100;

/** Tasks that have used up their attempts, each with a way back into the queue. */
export class DeadLetters {
  #host = byId('dead', HTMLElement);
  #text = byId('dead-text', HTMLElement);
  #shown = '';

  /**
   * @param {TaskActions} actions
   * @param {(task: Task) => void} onOpen
   */
  constructor(actions, onOpen) {
    this.actions = actions;
    this.onOpen = onOpen;
  }

  async refresh() {
    /** @type {{ tasks: Task[], more: boolean }} */
    const { tasks, more } = await read('/api/tasks', { state: 'dead', limit: String(LIMIT) });
    const key = tasks.map(({ taskId, attempts }) => `${taskId}/${attempts}`).join();
    setText(this.#text, more ? `the newest ${count(LIMIT)}` : '');
    if (key === this.#shown && this.#host.children.length > 0) return;
    this.#shown = key;
    const focused =
      document.activeElement instanceof HTMLElement ? document.activeElement.dataset['focus'] : undefined;
    this.#host.replaceChildren(...tasks.map((task) => this.#letter(task)));
    if (tasks.length === 0) {
      this.#host.append(element('li', { class: 'empty', text: 'None: no task has used up its attempts.' }));
    }
    if (focused === undefined) return;
    const again = [...this.#host.querySelectorAll('button')].find(
      (button) => button.dataset['focus'] === focused,
    );
    (again ?? this.#host.querySelector('button'))?.focus();
  }

  /** @param {Task} task */
  #letter(task) {
    const { taskId, kind, attempts, error, finishedAt } = task;
    const details = button('Details', 'quiet', `Details of ${kind} ${taskId}`, `${taskId}/details`);
    details.addEventListener('click', () => this.onOpen(task));
    const retry = button('Retry', '', `Retry ${kind} ${taskId}`, `${taskId}/retry`);
    retry.addEventListener('click', async () => {
      retry.disabled = true;
      await this.actions.run('retry', taskId);
      retry.disabled = false;
    });
    const when = finishedAt === undefined ? '' : `, ${dateAndTime(finishedAt)}`;
    return element('li', { attributes: { 'data-task': taskId } }, [
      element('div', { class: 'what' }, [
        element('strong', { text: kind }),
        element('span', {
          class: 'muted',
          text: ` after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${when}`,
        }),
        element('p', { class: 'why', text: error === null ? '' : `${error.name}: ${error.message}` }),
      ]),
      details,
      retry,
    ]);
  }
}

/**
 * @param {string} text
 * @param {string} style
 * @param {string} label
 * @param {string} focus
 */
function button(text, style, label, focus) {
  const made = element('button', { text, class: style, attributes: { type: 'button', 'aria-label': label } });
  made.dataset['focus'] = focus;
  return made;
}
