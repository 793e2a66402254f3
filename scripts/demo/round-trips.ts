import { percentile } from '../bench/lib/statistics.js';
import { have, type Work } from './work.js';

const ROUND_TRIPS = 300;

/** Round trips of a `compute echo`, one at a time: submit, dispatch, run, result. */
export async function reportRoundTrips(work: Work): Promise<string> {
  const times = new Float64Array(ROUND_TRIPS);
  for (let i = 0; i < ROUND_TRIPS; i++) {
    times[i] = (await have(work, { kind: 'compute', input: { function: 'echo', input: i } })).tookMs;
  }
  const ms = (share: number) => `${percentile(times, share).toFixed(2)} ms`;
  return `Round trip of a small task, stored and answered: p50 ${ms(0.5)}, p99 ${ms(0.99)}`;
}
