const UNFINISHED = ['queued', 'delayed', 'blocked', 'leased', 'running', 'retrying'];
const FINISHED = ['completed', 'failed', 'dead', 'cancelled'];

/** Of a task; the names that the API uses. */
export const TASK_STATES = [...UNFINISHED, ...FINISHED];

/** Of an agent's session. */
export const AGENT_STATES = ['connected', 'suspect', 'disconnected', 'draining'];

/** @param {string} state */
export const isFinished = (state) => FINISHED.includes(state);
