import t from 'tap';
import { simulate } from '../../scripts/simulate/simulation.js';

/** An hour with every kind of fault; a look at the core's inner state every few events. */
const SHORT = { tasks: 8000, hours: 1, checkEvery: 2000 };

for (const seed of [1, 2, 3]) {
  t.test(`every task ends exactly once: seed ${seed}`, (t) => {
    const { tally, faults } = simulate({ ...SHORT, seed });
    t.ok(tally.stored > 0.99 * SHORT.tasks);
    t.ok(faults['agent crashes'] > 0);
    t.ok(tally.released > 0 && tally.unmet > 0, 'tasks have waited for others');
    t.end();
  });
}

t.test('the same seed plays the same story', (t) => {
  const play = (seed: number) => simulate({ tasks: 1000, hours: 0.2, checkEvery: 1000, seed });
  const first = play(7);
  t.same(play(7), first);
  t.not(play(8).digest, first.digest);
  t.end();
});
