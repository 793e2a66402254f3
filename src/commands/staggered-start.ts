/** Handshakes under way at once: enough to keep both sides busy, too few to make any of them wait for its answer too long. */
const AT_ONCE = 32;
/**
 * One that is not registered by then (refused, nobody there) holds up no other. Milliseconds. With a shorter time a coordinator
 * that is slow since thousands come is asked by more and more of them, until they all run out of time.
 */
const PATIENCE_MS = 3000;

/** What is started: an agent. */
export interface Starting {
  start(): void;
  once(event: 'registered' | 'stopped', listener: () => void): unknown;
}

/**
 * Starts many agents of one process, each as soon as another one is registered. Thousands of handshakes begun at once
 * would all be waited for at once, run out of time together, and begin again. Returns what ends it early.
 */
export function startStaggered(
  agents: readonly Starting[],
  { atOnce = AT_ONCE, patienceMs = PATIENCE_MS } = {},
): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const waiting = agents.values();
  let over = false;
  const next = () => {
    if (over) return;
    const { value: agent, done } = waiting.next();
    if (done === true) return;
    let passedOn = false;
    const passOn = () => {
      clearTimeout(timer);
      timers.delete(timer);
      if (passedOn) return;
      passedOn = true;
      next();
    };
    const timer = setTimeout(passOn, patienceMs);
    timers.add(timer);
    agent.once('registered', passOn);
    agent.once('stopped', passOn);
    agent.start();
  };
  for (let begun = 0; begun < atOnce; begun++) next();
  return () => {
    over = true;
    for (const timer of timers) clearTimeout(timer);
  };
}
