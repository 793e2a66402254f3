import t from 'tap';
import { Liveness } from '../../src/transport/liveness.js';

const rules = { keepAliveMs: 10_000, handshakeTimeoutMs: 3_000, pathTimeoutMs: 5_000 };

t.test('a handshake has its time', async (t) => {
  const silent = new Liveness(rules, 0);
  t.equal(silent.nextCheck(), 3_000);
  t.same(silent.check(2_999), { type: 'fine' });
  t.same(silent.check(3_000), { type: 'gone', reason: 'no answer' });
  const slow = new Liveness(rules, 0);
  slow.received();
  t.match(slow.check(3_000), { reason: /did not complete/ });
});

t.test('silence of ours is broken by a PING', async (t) => {
  const liveness = new Liveness(rules, 0);
  liveness.handshakeComplete();
  t.equal(liveness.nextCheck(), 10_000);
  t.same(liveness.check(9_999), { type: 'fine' });
  t.same(liveness.check(10_000), { type: 'ping' });
  liveness.sent(10_000, 1);
  t.equal(liveness.nextCheck(), 20_000);
  t.equal(
    new Liveness({ ...rules, keepAliveMs: 0 }, 0).check(1e9).type,
    'gone',
    'the handshake ends it, no PING',
  );
});

t.test('several unanswered datagrams for long enough mean the peer is gone', async (t) => {
  const liveness = new Liveness(rules, 0);
  liveness.handshakeComplete();
  for (const at of [100, 130, 190]) liveness.sent(at, 1);
  t.same(liveness.check(9_000), { type: 'fine' }, 'three may be lone acknowledgements');
  liveness.sent(310, 1);
  t.equal(liveness.nextCheck(), 5_310);
  t.same(liveness.check(5_309), { type: 'fine' });
  t.match(liveness.check(5_310), { type: 'gone', reason: 'the peer answered nothing for 5000 ms' });
  liveness.received();
  t.same(liveness.check(5_310), { type: 'fine' }, 'one answer takes it all back');
});

t.test('an acknowledgement of long ago does not make the next burst suspicious', async (t) => {
  const liveness = new Liveness({ ...rules, keepAliveMs: 0 }, 0);
  liveness.handshakeComplete();
  liveness.sent(0, 1);
  for (const at of [8_000, 8_000, 8_000, 8_001]) liveness.sent(at, 1);
  t.same(liveness.check(8_002), { type: 'fine' });
  t.equal(liveness.check(13_000).type, 'gone');
});

t.test('a refusal by the system counts alone at first, three times later', async (t) => {
  t.equal(new Liveness(rules, 0).refused(), true);
  const answered = new Liveness(rules, 0);
  answered.received();
  t.equal(answered.refused(), false, 'an answer in the handshake outweighs it');
  const established = new Liveness(rules, 0);
  established.handshakeComplete();
  t.same([established.refused(), established.refused(), established.refused()], [false, false, true]);
});
