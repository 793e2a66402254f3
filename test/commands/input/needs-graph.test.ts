import fc from 'fast-check';
import t from 'tap';
import { NeedsGraph } from '../../../src/commands/input/needs-graph.js';

const EXISTING = '01890a5d-ac96-774b-bcce-b302099a8057';

function graphOf(...lines: readonly { readonly id?: string; readonly needs?: readonly string[] }[]) {
  const graph = new NeedsGraph();
  for (const [i, line] of lines.entries()) graph.add(i + 1, { kind: 'compute', input: null, ...line });
  return graph;
}

t.test('lines in any order, and tasks that exist', async (t) => {
  const graph = graphOf({ needs: ['b', EXISTING] }, { id: 'b', needs: ['a'] }, { id: 'a' }, {});
  t.equal(graph.fault(), null);
  t.strictSame(graph.outside(), [EXISTING]);
});

t.test('what nothing can be', async (t) => {
  t.match(graphOf({}, { id: 'a', needs: ['b'] }).fault(), { line: 2, problem: /'b' is neither/ });
  t.throws(() => graphOf({ id: 'a' }, {}, { id: 'a' }), { message: /'a' is that of line 1/ });
});

t.test('circles, by their lines', async (t) => {
  t.strictSame(graphOf({ id: 'a', needs: ['a'] }).fault(), {
    line: 1,
    problem: 'needs: the line needs itself',
  });
  const circle = graphOf(
    { needs: ['a'] },
    { id: 'a', needs: ['b'] },
    { id: 'b', needs: ['c'] },
    { id: 'c', needs: ['a'] },
  );
  t.match(circle.fault(), { line: 2, problem: /\(2 → 3 → 4 → 2\)/ });
});

t.test('a graph has a circle when, and only when, no order of its lines is one of its needs', async () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const needs = Array.from({ length: 8 }, (_, from) => [
        ...new Set(pairs.filter(([a]) => a === from).map(([, to]) => to)),
      ]);
      const left = new Set(needs.keys());
      for (let before = -1; before !== left.size;) {
        before = left.size;
        for (const line of [...left]) if (!(needs[line] ?? []).some((to) => left.has(to))) left.delete(line);
      }
      const graph = graphOf(...needs.map((to, i) => ({ id: `l${i}`, needs: to.map((line) => `l${line}`) })));
      return (graph.fault() !== null) === left.size > 0;
    }),
  );
});

t.test('a chain of a hundred thousand lines is no circle', async (t) => {
  const graph = graphOf(
    ...Array.from({ length: 100_000 }, (_, i) => ({ id: `l${i}`, needs: i === 99_999 ? [] : [`l${i + 1}`] })),
  );
  t.equal(graph.fault(), null);
});
