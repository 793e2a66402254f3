import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { TransientMap } from '../../src/collections/transient-map.js';

interface Value {
  readonly made: number;
}

t.test('it does what a Map does', (t) => {
  const key = fc.integer({ min: 0, max: 5 });
  const action = fc.record({ does: fc.constantFrom('set', 'delete', 'has', 'get'), key });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const model = new Map<number, Value>();
      const map = new TransientMap<number, Value>();
      for (const [made, { does, key }] of actions.entries()) {
        switch (does) {
          case 'set':
            model.set(key, { made });
            map.set(key, { made });
            break;
          case 'delete':
            assert.equal(map.delete(key), model.delete(key));
            break;
          case 'has':
            assert.equal(map.has(key), model.has(key));
            break;
          case 'get':
            assert.deepEqual(map.get(key), model.get(key));
        }
        assert.equal(map.size, model.size);
      }
      assert.deepEqual([...map], [...model]);
      assert.deepEqual([...map.keys()], [...model.keys()]);
      assert.deepEqual([...map.values()], [...model.values()]);
    }),
  );
  t.end();
});

t.test('what is removed while it is walked is passed over, what is added is seen', (t) => {
  const map = new TransientMap<string, Value>();
  for (const [made, key] of ['a', 'b', 'c'].entries()) map.set(key, { made });
  const seen: string[] = [];
  for (const [key] of map) {
    seen.push(key);
    if (key !== 'a') continue;
    map.delete('b');
    map.set('d', { made: 3 });
  }
  t.strictSame(seen, ['a', 'c', 'd']);
  t.end();
});
