import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import t from 'tap';
import { near, run } from './reference.js';

/** Monthly closes of five stocks, 2000 to 2010, from the vega-datasets package; null before a stock's first. */
async function stocks(): Promise<{ ids: string[]; prices: (number | null)[][] }> {
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const file = join(dirname(main), '..', 'data', 'stocks.csv');
  const rows: { symbol: string; date: string; price: string }[] = parse(await readFile(file, 'utf8'), {
    columns: true,
  });
  const ids = [...new Set(rows.map(({ symbol }) => symbol))];
  const dates = rows.filter(({ symbol }) => symbol === ids[0]).map(({ date }) => date);
  const price = new Map(rows.map((row) => [`${row.symbol} ${row.date}`, Number(row.price)]));
  return { ids, prices: ids.map((id) => dates.map((date) => price.get(`${id} ${date}`) ?? null)) };
}

/**
 * Of the simple monthly returns, over the months that both stocks of a pair have: pearsonr, spearmanr and kendalltau
 * (asymptotic) of scipy 1.17: coefficient and p-value.
 */
const SCIPY: Record<'pearson' | 'spearman' | 'kendall', Record<string, readonly [number, number]>> = {
  pearson: {
    'MSFT AMZN': [0.3956900060093598, 6.450208521948673e-6],
    'MSFT IBM': [0.5681901679651078, 8.734761562360322e-12],
    'MSFT GOOG': [0.41492106030693593, 0.00048094195988903927],
    'MSFT AAPL': [0.4865527182614069, 1.3306741979471584e-8],
    'AMZN IBM': [0.4523230740821474, 1.6918535547085628e-7],
    'AMZN GOOG': [0.25207494548705056, 0.03960432613070903],
    'AMZN AAPL': [0.3863202876970237, 1.1077753572131625e-5],
    'IBM GOOG': [0.2234652454800134, 0.0690975361683193],
    'IBM AAPL': [0.49362467757099493, 7.59375688740223e-9],
    'GOOG AAPL': [0.5510439325249495, 1.3512558854949875e-6],
  },
  spearman: {
    'MSFT AMZN': [0.39301634718013617, 7.539243088922182e-6],
    'MSFT IBM': [0.49291027390696623, 8.041149330265574e-9],
    'MSFT GOOG': [0.3894165535956581, 0.0011254568299116385],
    'MSFT AAPL': [0.451492130420559, 1.793483919998077e-7],
    'AMZN IBM': [0.4766523142808992, 2.8574766228318725e-8],
    'AMZN GOOG': [0.3519833985154442, 0.0034892553730090287],
    'AMZN AAPL': [0.4320883216961149, 6.707662355950876e-7],
    'IBM GOOG': [0.24874291643387345, 0.042381388556725394],
    'IBM AAPL': [0.473354459868945, 3.6663155968704104e-8],
    'GOOG AAPL': [0.42489424535078624, 0.00033852192185157933],
  },
  kendall: {
    'MSFT AMZN': [0.2789594905839317, 5.20417399506951e-6],
    'MSFT IBM': [0.35970735672673076, 4.22131467899632e-9],
    'MSFT GOOG': [0.2781546811397558, 0.0008744472613893952],
    'MSFT AAPL': [0.3152689337488145, 2.6125939392714106e-7],
    'AMZN IBM': [0.33396558731879145, 4.9020822301488264e-8],
    'AMZN GOOG': [0.2365445499773858, 0.004651508125615861],
    'AMZN AAPL': [0.3041593280043354, 6.765200299386372e-7],
    'IBM GOOG': [0.16417910447761197, 0.04948572356259456],
    'IBM AAPL': [0.3187914916677957, 1.9193881941224843e-7],
    'GOOG AAPL': [0.29715061058344644, 0.0003774469600552753],
  },
};

/** scipy.cluster.hierarchy.linkage of sqrt(2 (1 - r)), Pearson. */
const LINKAGE = {
  average: [
    [0, 2, 0.9293113924136432, 2],
    [3, 4, 0.9475822576167733, 2],
    [1, 5, 1.0729820414834077, 3],
    [6, 7, 1.113097617624955, 5],
  ],
  complete: [
    [0, 2, 0.9293113924136432, 2],
    [3, 4, 0.9475822576167733, 2],
    [1, 5, 1.0993725428540047, 3],
    [6, 7, 1.2462220945882692, 5],
  ],
  single: [
    [0, 2, 0.9293113924136432, 2],
    [3, 4, 0.9475822576167733, 2],
    [5, 6, 1.0063551285992485, 4],
    [1, 7, 1.0465915401128107, 5],
  ],
} as const;

void t.test('five stocks, one of them listed late: as scipy says', async (t) => {
  const { ids, prices } = await stocks();
  const input = { strategyIds: ids, strategies: prices, transform: 'returns' };
  const methods = ['pearson', 'spearman', 'kendall'] as const;
  const { matrix, pValues, observations, points } = run({ ...input, methods });
  t.equal(points, 122);
  t.equal(observations?.[0]?.[1], 122);
  t.equal(observations?.[0]?.[3], 67, 'returns of the late one');
  for (const method of methods) {
    for (const [pair, [coefficient, p]] of Object.entries(SCIPY[method])) {
      const [a = -1, b = -1] = pair.split(' ').map((id) => ids.indexOf(id));
      t.ok(near(matrix[method]?.[a]?.[b], coefficient, 1e-12), `${method} ${pair}`);
      t.ok(near((pValues[method]?.[a]?.[b] ?? NaN) / p, 1, 1e-9), `p of ${method} ${pair}`);
    }
  }
  for (const linkage of ['average', 'complete', 'single'] as const) {
    const { clusters } = run({ ...input, clusters: { k: 2, linkage } });
    const rows: readonly (readonly number[])[] = LINKAGE[linkage];
    rows.forEach((expected, row) =>
      expected.forEach((value, column) => {
        t.ok(near(clusters?.merges[row]?.[column], value, 1e-12), linkage);
      }),
    );
  }
  const { clusters, subset } = run({ ...input, clusters: { k: 3 }, subset: 3 });
  t.same(clusters?.labels, Int32Array.of(0, 1, 0, 2, 2), 'software with hardware, and what was new then');
  t.same(subset?.strategyIds, ['AMZN', 'IBM', 'GOOG']);
});
