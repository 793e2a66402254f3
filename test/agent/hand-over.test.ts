import t from 'tap';
import { HandOver, type HandOverEvent } from '../../src/agent/hand-over.js';

const tick = (receiving = 0, arrivals = 7) => ({ type: 'tick', receiving, arrivals }) as const;

function played() {
  const handOver = new HandOver({ random: () => 0.5, timeoutMs: 1000 });
  const tell = (event: HandOverEvent, now: number) => handOver.handle(event, now).map(({ type }) => type);
  return { handOver, tell };
}

t.test('a second connection is made, shakes hands once it is established, and takes over', (t) => {
  const { handOver, tell } = played();
  t.same(tell({ type: 'used-up' }, 0), ['begin']);
  t.same(tell({ type: 'used-up' }, 1), []);
  t.ok(handOver.underWay);
  t.same(tell({ type: 'accepted' }, 1), [], 'nothing was asked yet');
  t.same(tell({ type: 'established' }, 20), [], 'what was dispatched before has a round trip to arrive');
  t.same(tell({ type: 'accepted' }, 39), []);
  t.same(tell(tick(), 39), []);
  t.same(tell(tick(0, 7), 40), []);
  t.same(tell(tick(0, 8), 60), [], 'one has arrived');
  t.same(tell(tick(1, 8), 80), [], 'one is arriving');
  t.same(tell(tick(0, 8), 100), ['handshake']);
  t.same(tell({ type: 'accepted' }, 101), ['switch']);
  t.equal(handOver.state, 'resting');
  t.equal(handOver.nextDeadline, Infinity);
  t.same(tell({ type: 'used-up' }, 102), ['begin'], 'and again');
  t.end();
});

t.test('an attempt that fails or takes too long is given up, and made again later and later', (t) => {
  const { handOver, tell } = played();
  tell({ type: 'used-up' }, 0);
  t.same(tell(tick(), 999), []);
  t.same(tell(tick(), 1000), ['give-up']);
  t.equal(handOver.nextDeadline, 1000 + 3750);
  t.same(tell({ type: 'refused', retryAfterMs: 0 }, 1001), [], 'the end of what was given up');
  t.same(tell(tick(), 4750), ['begin']);
  t.same(tell({ type: 'refused', retryAfterMs: 0 }, 5000), ['give-up']);
  t.equal(handOver.nextDeadline, 5000 + 7500);
  tell(tick(), 12_500);
  t.same(tell({ type: 'refused', retryAfterMs: 60_000 }, 13_000), ['give-up']);
  t.equal(handOver.nextDeadline, 73_000, 'not before the coordinator wants it');
  t.end();
});

t.test('tasks that go on arriving for too long: the first connection is kept for them', (t) => {
  const { handOver, tell } = played();
  tell({ type: 'used-up' }, 0);
  tell({ type: 'established' }, 100);
  for (let now = 200; now < 1000; now += 100) t.same(tell(tick(1), now), []);
  t.same(tell(tick(1), 1000), ['give-up']);
  t.equal(handOver.state, 'waiting');
  t.end();
});

t.test('when the first connection is lost, the second one is given up with it', (t) => {
  const { handOver, tell } = played();
  t.same(tell({ type: 'lost' }, 0), []);
  tell({ type: 'used-up' }, 0);
  tell({ type: 'established' }, 1);
  tell(tick(), 2);
  tell(tick(), 3);
  t.equal(handOver.state, 'handshaking');
  t.same(tell({ type: 'lost' }, 3), ['give-up']);
  t.equal(handOver.state, 'resting');
  tell({ type: 'used-up' }, 3);
  tell({ type: 'refused', retryAfterMs: 0 }, 4);
  t.same(tell({ type: 'lost' }, 5), []);
  t.equal(handOver.nextDeadline, Infinity);
  t.end();
});
