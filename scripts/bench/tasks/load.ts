import { performance } from 'node:perf_hooks';
import { INPUT_BYTES, type Contender } from './contenders/contender.js';

const INPUT = 'e'.repeat(INPUT_BYTES);
const UNEQUAL = 'a result differs from its input';

/** Runs tasks with `inFlight` of them under way for `ms`, and waits for the last; returns tasks a second. */
export async function flood(contender: Contender, inFlight: number, ms: number): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + ms;
  let done = 0;
  const keepOneUnderWay = async () => {
    while (performance.now() < endsAt) {
      if ((await contender.run(INPUT)) !== INPUT) throw new Error(UNEQUAL);
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, keepOneUnderWay));
  return (done / (performance.now() - startedAt)) * 1000;
}

/** Runs `count` tasks, each after the end of the one before; returns how long each took, in milliseconds. */
export async function runInTurn(contender: Contender, count: number): Promise<number[]> {
  const samplesMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    if ((await contender.run(INPUT)) !== INPUT) throw new Error(UNEQUAL);
    samplesMs.push(performance.now() - startedAt);
  }
  return samplesMs;
}
