import { ApiError, change, forgetToken, hasToken, keepToken } from './api.js';
import { byId, element, setText } from './dom.js';

const TOAST_MS = 6_000;
const MAX_TOASTS = 3;

/** Changes that a reader asks for, and the token that they need. */
export class TaskActions {
  #dialog = byId('token-dialog', HTMLDialogElement);
  #input = byId('token-input', HTMLInputElement);
  #problem = byId('token-problem', HTMLElement);
  #button = byId('token', HTMLButtonElement);
  #toasts = byId('toasts', HTMLElement);
  /** @type {((given: boolean) => void) | null} */
  #answer = null;

  /** @param {() => void} onDone something has changed */
  constructor(onDone) {
    this.onDone = onDone;
    this.#dialog.querySelector('form')?.addEventListener('submit', (event) => {
      event.preventDefault();
      keepToken(this.#input.value.trim());
      this.#close(true);
    });
    this.#dialog.querySelector('[data-close]')?.addEventListener('click', () => this.#close(false));
    this.#dialog.addEventListener('close', () => this.#close(false));
    this.#button.addEventListener('click', () => {
      if (!hasToken()) void this.#ask('');
      else {
        forgetToken();
        this.#show();
      }
    });
    this.#show();
  }

  /**
   * Asks for the token when there is none yet, or the one there is has become wrong.
   * @param {'retry' | 'cancel'} what
   * @param {string} taskId
   * @returns {Promise<boolean>} whether it was done
   */
  async run(what, taskId) {
    let problem = '';
    for (;;) {
      if (!hasToken() && !(await this.#ask(problem))) return false;
      try {
        await change(`/api/${what}`, { id: taskId });
        this.#toast(what === 'retry' ? 'The task is queued again.' : 'The task is cancelled.', 'good');
        this.onDone();
        return true;
      } catch (error) {
        const wrongToken = error instanceof ApiError && error.status === 401;
        const readOnly = error instanceof ApiError && error.status === 403;
        if (wrongToken || readOnly) forgetToken();
        this.#show();
        problem = error instanceof Error ? error.message : String(error);
        if (wrongToken) continue;
        this.#toast(error instanceof ApiError ? problem : 'The coordinator cannot be reached.', 'bad');
        return false;
      }
    }
  }

  /**
   * @param {string} problem '' when there was none
   * @returns {Promise<boolean>} whether a token was given
   */
  #ask(problem) {
    this.#close(false);
    this.#input.value = '';
    this.#problem.hidden = problem === '';
    setText(this.#problem, problem);
    this.#dialog.showModal();
    return new Promise((resolve) => (this.#answer = resolve));
  }

  /** @param {boolean} given */
  #close(given) {
    const answer = this.#answer;
    this.#answer = null;
    if (this.#dialog.open) this.#dialog.close();
    this.#input.value = '';
    this.#show();
    answer?.(given);
  }

  #show() {
    setText(this.#button, hasToken() ? 'Forget token' : 'Allow changes');
  }

  /**
   * @param {string} text
   * @param {string} tone
   */
  #toast(text, tone) {
    const toast = element('p', { text, tone });
    this.#toasts.append(toast);
    while (this.#toasts.children.length > MAX_TOASTS) this.#toasts.firstElementChild?.remove();
    setTimeout(() => toast.remove(), TOAST_MS);
  }
}
