import fc from 'fast-check';
import t from 'tap';
import { ByteBound, type Holder } from '../../../src/coordinator/shell/byte-bound.js';

/** Holds what it is told to, and lets go of all when it is cut off. */
class FakeHolder implements Holder {
  held = 0;
  cuts: number[] = [];
  measure(): number {
    return this.held;
  }
  cutOff(bytes: number): void {
    this.cuts.push(bytes);
    this.held = 0;
  }
  take(bound: ByteBound, bytes: number): void {
    this.held += bytes;
    bound.add(this, bytes);
  }
}

t.test('one that holds more than its share goes, with what it holds', (t) => {
  const bound = new ByteBound(100, 1000);
  const holder = new FakeHolder();
  holder.take(bound, 100);
  t.same(holder.cuts, [], 'the bound itself is allowed');
  holder.take(bound, 1);
  t.same(holder.cuts, [101]);
  t.equal(bound.bytes, 0);
  t.end();
});

t.test('what has left meanwhile does not count', (t) => {
  const bound = new ByteBound(100, 1000);
  const holder = new FakeHolder();
  for (let i = 0; i < 50; i++) {
    holder.take(bound, 90);
    holder.held = 0;
  }
  t.same(holder.cuts, []);
  t.end();
});

t.test('over the bound of all together the one with most goes', (t) => {
  const bound = new ByteBound(100, 150);
  const [small, large, gone] = [new FakeHolder(), new FakeHolder(), new FakeHolder()];
  gone.take(bound, 70);
  gone.held = 0;
  large.take(bound, 80);
  small.take(bound, 60);
  t.same([small.cuts, large.cuts, gone.cuts], [[], [], []], 'one of them has been read since');
  small.take(bound, 15);
  t.same([small.cuts, large.cuts], [[], [80]]);
  t.equal(bound.bytes, 75);
  bound.remove(small);
  t.equal(bound.bytes, 0);
  t.end();
});

t.test(
  'whatever comes and goes: no holder and no sum is over its bound, and only the guilty are cut off',
  (t) => {
    const step = fc.record({ who: fc.nat(4), bytes: fc.integer({ min: -60, max: 60 }), told: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const bound = new ByteBound(100, 250);
        const holders = Array.from({ length: 5 }, () => new FakeHolder());
        for (const { who, bytes, told } of steps) {
          const holder = holders[who];
          if (holder === undefined) continue;
          const change = Math.max(-holder.held, bytes);
          holder.held += change;
          if (change > 0 || told) bound.add(holder, change);
          const sum = holders.reduce((all, { held }) => all + held, 0);
          if (sum > 250 || sum > bound.bytes) return false;
          if (holders.some(({ held }) => held > 100)) return false;
          for (const { cuts } of holders) if (cuts.some((cut) => cut <= 50)) return false;
        }
        return true;
      }),
    );
    t.end();
  },
);
