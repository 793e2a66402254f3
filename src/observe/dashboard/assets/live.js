import { TASK_STATES } from './states.js';

/** @import { SwarmEvent } from './types.js' */

const TASKS = ['submitted', ...TASK_STATES, 'retried', 'withdrawn'];
const AGENTS = ['joined', 'resumed', 'suspect', 'heard', 'draining', 'disconnected', 'gone'];
/** All that the stream may name. */
const EVENTS = [
  ...TASKS.map((name) => `task-${name}`),
  ...AGENTS.map((name) => `agent-${name}`),
  'coordinator-draining',
];
const RETRY_MS = 3_000;

/**
 * Follows the events of the coordinator. The browser itself comes back after a broken connection; after a refusal this does.
 * @param {{
 *   onEvent: (event: SwarmEvent) => void,
 *   onLost: () => void,
 *   onConnection: (open: boolean) => void,
 * }} listeners `onLost`: some events are missing, so what was counted has to be asked anew
 */
export function followEvents({ onEvent, onLost, onConnection }) {
  const connect = () => {
    const source = new EventSource('/api/events');
    source.onopen = () => onConnection(true);
    source.onerror = () => {
      onConnection(false);
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, RETRY_MS);
    };
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data }) => onEvent(JSON.parse(data)));
    }
    source.addEventListener('dropped', onLost);
  };
  connect();
}

/**
 * Asks again and again, one question at a time: `everyMs` after the last answer, or soon after `soon()`. Rests while
 * nobody looks at the page.
 * @param {() => Promise<void>} ask must not reject
 * @param {number} everyMs
 * @param {number} [soonMs]
 * @returns {{ soon(): void, now(): Promise<void> }}
 */
export function poll(ask, everyMs, soonMs = 150) {
  let timer = 0;
  let due = 0;
  let busy = false;
  let again = false;
  /** @param {number} delay */
  const plan = (delay) => {
    const at = performance.now() + delay;
    if (timer !== 0 && at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void now(), delay);
  };
  const now = async () => {
    clearTimeout(timer);
    timer = 0;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    if (!document.hidden) await ask();
    busy = false;
    plan(again ? soonMs : everyMs);
    again = false;
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void now();
  });
  return {
    soon: () => {
      if (busy) again = true;
      else plan(soonMs);
    },
    now,
  };
}
