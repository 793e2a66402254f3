/** Numbers and times as people read them. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** @param {number} value */
export const count = (value) => grouped.format(value);

/** @param {number} at milliseconds since 1970 */
export const timeOfDay = (at) => clock.format(at);

/** @param {number} at milliseconds since 1970 */
export const dateAndTime = (at) => full.format(at);

/** @param {number} fraction 0 to 1 */
export const percent = (fraction) => `${Math.round(fraction * 100)}%`;

/** @param {number} perSecond */
export const rate = (perSecond) =>
  perSecond >= 10 || perSecond === 0 ? count(perSecond) : perSecond.toFixed(1);

/** @param {number} value bytes */
export function bytes(value) {
  if (value < 2 ** 20) return `${Math.ceil(value / 1024)} KiB`;
  return value < 2 ** 30 ? `${(value / 2 ** 20).toFixed(0)} MiB` : `${(value / 2 ** 30).toFixed(1)} GiB`;
}

/** @param {number | null} ms milliseconds; null: unknown */
export function duration(ms) {
  if (ms === null) return '–';
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = seconds / 60;
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${Math.floor(hours)} h` : `${Math.floor(hours / 24)} d`;
}

/** @param {number} ms since then */
export const ago = (ms) =>
  `${duration(Math.max(0, Math.round(ms / 1000)) * 1000).replace('<1 ms', '0 s')} ago`;

/** How good or bad a state is: what its chip shows beside the word. */
const TONES = /** @type {Readonly<Record<string, string>>} */ ({
  connected: 'good',
  suspect: 'warn',
  disconnected: 'bad',
  draining: 'warn',
  queued: 'idle',
  delayed: 'idle',
  leased: 'busy',
  running: 'busy',
  retrying: 'warn',
  completed: 'good',
  failed: 'bad',
  dead: 'bad',
  cancelled: 'idle',
});

/** @param {string} state of an agent or a task */
export const toneOf = (state) => TONES[state] ?? 'idle';
