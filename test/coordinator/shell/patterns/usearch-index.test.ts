import t from 'tap';
import { makeIndex } from '../../../../src/coordinator/shell/patterns/usearch-index.js';
import { ExactIndex } from '../../../../src/reasoning/memory/nearest-index.js';
import { SHAPE_DIMENSIONS } from '../../../../src/reasoning/patterns/shape.js';
import { SeededRandom } from '../../../../src/numeric/random.js';
import { idOf, walk } from './conformance.js';

t.test('without usearch it compares with each, and says why', async (t) => {
  const { index, problem } = await makeIndex(SHAPE_DIMENSIONS, () => Promise.reject(new Error('not there')));
  t.equal(problem, 'not there');
  const vector = walk(new SeededRandom(1));
  index.set('a', vector);
  t.match(index.search(vector, 1), [{ id: 'a' }]);
});

const { index, problem } = await makeIndex(SHAPE_DIMENSIONS);
const skip = problem ?? false;

t.test('beyond what is compared one by one, nearly all of the nearest are found', { skip }, async (t) => {
  const exact = new ExactIndex(SHAPE_DIMENSIONS);
  const random = new SeededRandom(2);
  for (let number = 0; number < 1_500; number++) {
    const vector = walk(random);
    // some are replaced, and some removed
    const id = idOf(number % 1_400);
    for (const one of [index, exact]) one.set(id, vector);
  }
  for (let number = 0; number < 100; number++) for (const one of [index, exact]) one.delete(idOf(number * 3));
  t.equal(index.size, 1_300);
  let found = 0;
  let wanted = 0;
  for (let query = 0; query < 50; query++) {
    const vector = walk(random);
    const best = exact.search(vector, 10);
    const ids = index.search(vector, 64).map(({ id }) => id);
    wanted += best.length;
    found += best.filter(({ id }) => ids.includes(id)).length;
    t.ok(ids.length <= 64 && new Set(ids).size === ids.length);
  }
  t.ok(found >= 0.98 * wanted, `${found} of ${wanted}`);
});
