import fc from 'fast-check';
import t from 'tap';
import { BusyPoll } from '../../src/transport/busy-poll.js';

/** A clock in milliseconds, and one side of an exchange on it that stays awake when the rule says so. */
class Exchange {
  readonly poll = new BusyPoll();
  now = 0;
  /** Milliseconds that were spent awake for an answer. */
  awakeMs = 0;

  /** Sends, and has the answer after `answerMs`, or none at all with Infinity. Returns whether it waited awake. */
  ask(answerMs: number): boolean {
    this.poll.sent(this.now);
    const answerAt = this.now + answerMs;
    let wasAwake = false;
    while (this.now < answerAt && this.poll.staysAwake(this.now)) {
      wasAwake = true;
      this.now += 0.004;
      this.awakeMs += 0.004;
    }
    if (answerMs === Infinity) return wasAwake;
    this.now = Math.max(this.now, answerAt);
    this.poll.heard(this.now);
    return wasAwake;
  }
}

void t.test('many quick answers are needed', async (t) => {
  const exchange = new Exchange();
  const awake = Array.from({ length: 20 }, () => exchange.ask(0.05));
  t.same(awake, [...Array<boolean>(16).fill(false), ...Array<boolean>(4).fill(true)]);
  t.equal(new Exchange().ask(0.05), false);
});

void t.test('who is answered slowly, or not, sleeps', async (t) => {
  const slow = new Exchange();
  for (let n = 0; n < 100; n++) t.equal(slow.ask(0.2), false);
  const mixed = new Exchange();
  for (let n = 0; n < 1000; n++) t.equal(mixed.ask(n % 8 === 0 ? 0.2 : 0.05), false);
});

void t.test(
  'a wait ends after a tenth of a millisecond, and one in vain among many does not end it',
  async (t) => {
    const exchange = new Exchange();
    for (let n = 0; n < 40; n++) exchange.ask(0.05);
    const before = exchange.awakeMs;
    t.equal(exchange.ask(Infinity), true);
    t.ok(exchange.awakeMs - before <= 0.104);
    t.equal(exchange.poll.staysAwake(exchange.now), false, 'not once more for the same');
    t.equal(exchange.ask(0.05), true);
  },
);

void t.test('where staying awake keeps the other side from answering little is lost', async (t) => {
  const exchange = new Exchange();
  for (let n = 0; n < 10_000; n++) {
    // both on one core: the answer comes as soon as this side sleeps
    exchange.poll.sent(exchange.now);
    while (exchange.poll.staysAwake(exchange.now)) {
      exchange.now += 0.004;
      exchange.awakeMs += 0.004;
    }
    exchange.now += 0.02;
    exchange.poll.heard(exchange.now);
  }
  t.ok(
    exchange.awakeMs < 0.02 * exchange.now,
    `${exchange.awakeMs.toFixed(1)} of ${exchange.now.toFixed(0)} ms`,
  );
});

void t.test('what is spent awake in vain is bounded by what was answered quickly', async () => {
  const answer = fc.oneof(fc.constant(0.05), fc.constant(0.3), fc.constant(Infinity));
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 400 }), (answers) => {
      const exchange = new Exchange();
      let inVain = 0;
      let quick = 0;
      for (const ms of answers) {
        const isAwake = exchange.ask(ms);
        if (ms < 0.1) quick++;
        else if (isAwake) inVain++;
      }
      return inVain <= quick / 8 + 1;
    }),
  );
});
