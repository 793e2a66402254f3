import fc from 'fast-check';
import t from 'tap';
import { LinkCore, type LinkAction, type LinkEvent, type LinkOptions } from '../../src/agent/link-core.js';
import { ERRORS, type ErrorName } from '../../src/protocol/errors.js';
import type { CloseInfo } from '../../src/transport/transport.js';

const unreachable: CloseInfo = { by: 'timeout', layer: 'transport', code: 0, reason: '' };
const closed = (name: ErrorName): CloseInfo => ({
  by: 'peer',
  layer: 'application',
  code: ERRORS[name].code,
  reason: '',
});
const alert = (code: number, by: CloseInfo['by'] = 'peer'): CloseInfo => ({
  by,
  layer: 'tls',
  code,
  reason: '',
});
const HEARTBEAT_MS = 1000;
const accepted = { type: 'accepted', sessionToken: 'token-1', heartbeatIntervalMs: HEARTBEAT_MS } as const;

/** A link and its time: `pass` plays every tick that falls due on the way. */
class Played {
  now = 1000;
  readonly link: LinkCore;
  readonly actions: { readonly at: number; readonly action: LinkAction }[] = [];

  constructor(options: Partial<LinkOptions> = {}) {
    this.link = new LinkCore({ addresses: ['a:1'], random: () => 0.5, ...options });
    this.tell({ type: 'start' });
  }

  tell(...events: LinkEvent[]): LinkAction[] {
    const done = events.flatMap((event) => this.link.handle(event, this.now));
    this.actions.push(...done.map((action) => ({ at: this.now, action })));
    return done;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    while (this.link.nextDeadline <= end) {
      this.now = Math.max(this.now, this.link.nextDeadline);
      this.tell({ type: 'tick' });
    }
    this.now = end;
  }

  register(): void {
    this.tell({ type: 'established' }, accepted);
  }

  of<T extends LinkAction['type']>(type: T): Extract<LinkAction, { type: T }>[] {
    return this.actions
      .map(({ action }) => action)
      .filter((action): action is Extract<LinkAction, { type: T }> => action.type === type);
  }
}

t.test('connects, shakes hands, registers, and beats', (t) => {
  const played = new Played();
  t.same(played.of('connect'), [{ type: 'connect', address: 'a:1' }]);
  t.same(played.tell({ type: 'established' }), [{ type: 'handshake', sessionToken: null, early: false }]);
  played.tell(accepted);
  t.equal(played.link.state.state, 'registered');
  for (let second = 0; second < 3; second++) {
    played.pass(HEARTBEAT_MS);
    played.tell({ type: 'heard' });
  }
  t.same(
    played.of('heartbeat').map(({ sequence }) => sequence),
    [1, 2, 3, 4],
    'one at once, one each interval',
  );
  t.end();
});

t.test(
  'a day without a coordinator: retries for ever, within the bounds, logging once for each backoff',
  (t) => {
    const played = new Played({ reconnectMinMs: 100, reconnectMaxMs: 30_000, random: () => 0.999 });
    const gaps: number[] = [];
    while (played.now < 86_400_000) {
      const failedAt = played.now;
      played.tell({ type: 'closed', info: unreachable });
      played.pass(played.link.nextDeadline - played.now);
      gaps.push(played.now - failedAt);
    }
    t.same(
      gaps.slice(0, 10).map((gap) => Math.round(gap / 0.999)),
      [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000],
    );
    t.ok(gaps.slice(9).every((gap) => gap <= 30_000 && gap >= 0.99 * 30_000));
    t.equal(played.of('log').length, gaps.length);
    t.equal(played.link.state.state, 'connecting');
    t.end();
  },
);

t.test('full jitter: the backoff is spread over all of its range', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.double({ min: 0, max: 0.9999, noNaN: true }),
      (failures, drawn) => {
        const played = new Played({ random: () => drawn });
        for (let n = 0; n < failures; n++) {
          played.tell({ type: 'closed', info: unreachable });
          played.pass(played.link.nextDeadline - played.now);
        }
        const failedAt = played.now;
        played.tell({ type: 'closed', info: unreachable });
        const bound = Math.min(30_000, 100 * 2 ** failures);
        t.ok(Math.abs(played.link.nextDeadline - failedAt - drawn * bound) < 1e-6);
      },
    ),
    { numRuns: 50 },
  );
  t.end();
});

t.test('a registration that held resets the backoff; one that did not, does not', (t) => {
  const played = new Played({ stableMs: 10_000 });
  for (let n = 0; n < 6; n++) {
    played.tell({ type: 'closed', info: unreachable });
    played.pass(played.link.nextDeadline - played.now);
  }
  played.register();
  played.tell({ type: 'closed', info: unreachable });
  t.equal(played.link.nextDeadline - played.now, 0.5 * 6400);
  played.pass(3200);
  played.register();
  for (let n = 0; n < 11; n++) {
    played.pass(HEARTBEAT_MS);
    played.tell({ type: 'heard' });
  }
  played.tell({ type: 'closed', info: unreachable });
  t.equal(played.link.nextDeadline - played.now, 0.5 * 100);
  t.end();
});

t.test(
  'with a session token the handshake is written at once, and accepted whenever the answer comes',
  (t) => {
    for (const establishedFirst of [true, false]) {
      const played = new Played({ sessionToken: 'of an earlier process' });
      t.same(played.of('handshake'), [
        { type: 'handshake', sessionToken: 'of an earlier process', early: true },
      ]);
      if (establishedFirst) t.same(played.tell({ type: 'established' }), []);
      played.tell(accepted);
      t.equal(played.link.state.state, 'registered');
      t.equal(played.link.sessionToken, 'token-1');
      if (!establishedFirst) t.same(played.tell({ type: 'established' }), []);
      t.equal(played.link.state.state, 'registered');
    }
    t.end();
  },
);

t.test('a handshake that was refused as early data is sent again once the connection is established', (t) => {
  const again = [{ type: 'handshake', sessionToken: 'old', early: false }];
  const before = new Played({ sessionToken: 'old' });
  t.same(before.tell({ type: 'early-data-refused' }), []);
  t.same(before.tell({ type: 'established' }), again);
  const after = new Played({ sessionToken: 'old' });
  after.tell({ type: 'established' });
  t.same(after.tell({ type: 'early-data-refused' }), again);
  t.end();
});

t.test('a session that the coordinator does not know: again at once, without the token', (t) => {
  const played = new Played({ sessionToken: 'old' });
  t.same(played.tell({ type: 'closed', info: closed('SESSION_UNKNOWN') }), [
    { type: 'forget-session' },
    { type: 'connect', address: 'a:1' },
  ]);
  t.same(played.tell({ type: 'established' }), [{ type: 'handshake', sessionToken: null, early: false }]);
  t.same(
    played.tell({ type: 'closed', info: closed('SESSION_UNKNOWN') }).map(({ type }) => type),
    ['log'],
    'without a token it is a failure like others',
  );
  const circling = new Played({ sessionToken: 'old', random: () => 0.5 });
  circling.register();
  circling.tell({ type: 'closed', info: closed('SESSION_UNKNOWN') });
  t.ok(circling.link.nextDeadline > circling.now, 'a coordinator that accepts and forgets makes nobody spin');
  t.end();
});

t.test(
  'a second connection takes over: new token, new count of heartbeats, the registration goes on',
  (t) => {
    const played = new Played();
    played.register();
    played.pass(HEARTBEAT_MS);
    const before = played.of('heartbeat').length;
    played.tell({ type: 'handed-over', sessionToken: 'token-2', heartbeatIntervalMs: HEARTBEAT_MS });
    played.pass(0);
    t.same(
      played
        .of('heartbeat')
        .slice(before)
        .map(({ sequence }) => sequence),
      [1],
    );
    t.equal(played.link.sessionToken, 'token-2');
    t.match(played.link.state, { state: 'registered', since: 1000 });
    t.end();
  },
);

t.test('a process that was stopped listens for one more interval before it gives the connection up', (t) => {
  const played = new Played();
  played.register();
  played.now += 3_600_000;
  t.same(
    played.tell({ type: 'tick' }).map(({ type }) => type),
    ['heartbeat'],
    'the clock has jumped: what came meanwhile is not read yet',
  );
  played.tell({ type: 'heard' });
  played.pass(HEARTBEAT_MS);
  t.equal(played.link.state.state, 'registered');
  played.now += 3_600_000;
  played.tell({ type: 'tick' });
  played.pass(HEARTBEAT_MS);
  t.match(played.link.state, { state: 'disconnected' }, 'nothing came after all');
  t.end();
});

t.test('addresses are tried in turn, with one backoff for each round', (t) => {
  const played = new Played({ addresses: ['a:1', 'b:2'] });
  for (let n = 0; n < 4; n++) {
    played.tell({ type: 'closed', info: unreachable });
    played.pass(played.link.nextDeadline - played.now);
  }
  t.same(
    played.of('connect').map(({ address }) => address),
    ['a:1', 'b:2', 'a:1', 'b:2', 'a:1'],
  );
  t.same(
    played.of('log').map(({ level, fields }) => [level, fields['retryAfterMs']]),
    [
      ['debug', 0],
      ['warn', 50],
      ['debug', 0],
      ['warn', 100],
    ],
  );
  t.end();
});

t.test('refusals for good', (t) => {
  const cases: [string, CloseInfo, RegExp][] = [
    ['version', closed('UNSUPPORTED_VERSION'), /protocol version/],
    ['join token', closed('JOIN_TOKEN_WRONG'), /--join-token-file/],
    ['client certificate missing', alert(116), /--cert and --key/],
    ['our CA is not trusted', alert(48), /does not trust the CA of our certificate/],
    ['their CA is not trusted', alert(48, 'local'), /--ca/],
    ['wrong host name', alert(42, 'local'), /host name/],
    ['expired', alert(45, 'local'), /expired/],
    ['wrong ALPN', alert(120), /no swarm coordinator/],
  ];
  for (const [name, info, words] of cases) {
    const played = new Played();
    played.tell({ type: 'established' }, { type: 'closed', info });
    t.match(played.link.state, { state: 'stopped', permanent: true, reason: words }, name);
    t.equal(played.of('stop').length, 1, name);
    t.equal(played.link.nextDeadline, Infinity, name);
    t.same(played.tell({ type: 'start' }, { type: 'tick' }), [], name);
  }
  t.end();
});

t.test('replaced by another with our token: the end for a registration that held, else tried again', (t) => {
  const fresh = new Played();
  fresh.register();
  fresh.tell({ type: 'closed', info: closed('SESSION_REPLACED') });
  t.match(fresh.link.state, { state: 'disconnected' });
  const held = new Played({ stableMs: 0 });
  held.register();
  held.tell({ type: 'closed', info: closed('SESSION_REPLACED') });
  t.match(held.link.state, { state: 'stopped', permanent: true, reason: /elsewhere/ });
  t.end();
});

t.test('a refusal for good by one address leaves the others', (t) => {
  const played = new Played({ addresses: ['a:1', 'b:2'] });
  played.tell({ type: 'closed', info: alert(48, 'local') });
  played.pass(0);
  played.tell({ type: 'closed', info: unreachable });
  played.pass(played.link.nextDeadline - played.now);
  t.equal(played.of('stop').length, 0);
  t.same(
    [
      ...new Set(
        played
          .of('connect')
          .slice(1)
          .map((action) => action.address),
      ),
    ],
    ['b:2'],
  );
  played.tell({ type: 'closed', info: closed('JOIN_TOKEN_WRONG') });
  t.match(played.of('stop'), [{ permanent: true, reason: /^b:2: / }]);
  t.end();
});

t.test('waits as long as the coordinator asks, and tries the others meanwhile', (t) => {
  for (const name of ['DRAINING', 'AGENT_ID_IN_USE', 'GOING_AWAY'] as const) {
    const played = new Played();
    played.tell({ type: 'established' }, { type: 'retry-after', retryAfterMs: 5000 });
    played.tell({ type: 'closed', info: closed(name) });
    // The time asked for, an eighth of it (half of the spread), and the backoff.
    t.equal(played.link.nextDeadline - played.now, 5000 + 625 + 50, name);
  }
  const two = new Played({ addresses: ['a:1', 'b:2'] });
  two.register();
  two.tell({ type: 'retry-after', retryAfterMs: 5000 }, { type: 'closed', info: closed('DRAINING') });
  t.match(two.link.phase, { state: 'disconnected', address: 'b:2', retryAt: two.now + 50 });
  t.end();
});

t.test('a used-up connection is replaced at once', (t) => {
  const played = new Played({ stableMs: 0 });
  played.register();
  t.same(played.tell({ type: 'closed', info: closed('CONNECTION_RECYCLED') }), [
    { type: 'connect', address: 'a:1' },
    { type: 'handshake', sessionToken: 'token-1', early: true },
  ]);
  t.end();
});

t.test('a silent coordinator is given up after four intervals, a silent handshake after its timeout', (t) => {
  const played = new Played();
  played.register();
  played.pass(2 * HEARTBEAT_MS);
  played.tell({ type: 'heard' });
  played.pass(4 * HEARTBEAT_MS - 1);
  t.equal(played.link.state.state, 'registered');
  played.pass(1);
  t.match(played.of('close'), [{ code: ERRORS.HEARTBEAT_TIMEOUT.code, reason: /nothing heard for 4000 ms/ }]);
  t.equal(played.link.state.state, 'disconnected');

  const mute = new Played({ handshakeTimeoutMs: 700 });
  mute.tell({ type: 'established' });
  mute.pass(700);
  t.match(mute.of('close'), [{ reason: /no answer within 700 ms/ }]);
  t.end();
});

t.test('a drain announces itself, ends when the work is done, and survives a lost connection', (t) => {
  const played = new Played();
  played.register();
  t.same(played.tell({ type: 'drain', timeoutMs: 30_000 }), [{ type: 'drain-notice', deadlineMs: 30_000 }]);
  played.tell({ type: 'closed', info: unreachable });
  t.equal(played.link.state.state, 'draining');
  played.pass(50);
  played.register();
  t.match(played.of('drain-notice'), [{ deadlineMs: 30_000 }, { deadlineMs: 29_950 }]);
  t.same(played.tell({ type: 'drained' }), [
    { type: 'close', code: ERRORS.NO_ERROR.code, reason: 'drained' },
    { type: 'stop', reason: 'drained', permanent: false },
  ]);
  t.end();
});

t.test('a drain that runs out of time abandons the work, then stops', (t) => {
  const played = new Played();
  played.register();
  played.tell({ type: 'drain', timeoutMs: 1500 });
  played.pass(1500);
  t.equal(played.of('abandon').length, 1);
  t.equal(played.of('stop').length, 0);
  played.pass(1000);
  t.equal(played.of('abandon').length, 1);
  t.match(played.of('stop'), [{ permanent: false }]);
  t.end();
});

t.test('whatever happens in whatever order: one connection at a time, and nothing after the end', (t) => {
  const event: fc.Arbitrary<LinkEvent | { type: 'pass'; ms: number }> = fc.oneof(
    fc.constantFrom<LinkEvent>(
      { type: 'established' },
      accepted,
      { type: 'early-data-refused' },
      { type: 'handed-over', sessionToken: 'token-2', heartbeatIntervalMs: HEARTBEAT_MS },
      { type: 'beat' },
      { type: 'heard' },
      { type: 'tick' },
      { type: 'retry-after', retryAfterMs: 500 },
      { type: 'closed', info: unreachable },
      { type: 'closed', info: closed('AGENT_ID_IN_USE') },
      { type: 'closed', info: closed('SESSION_UNKNOWN') },
      { type: 'closed', info: closed('JOIN_TOKEN_WRONG') },
      { type: 'drain', timeoutMs: 2000 },
      { type: 'drained' },
      { type: 'stop' },
    ),
    fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  );
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 60 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (events, drawn) => {
        const played = new Played({ addresses: ['a:1', 'b:2'], random: () => drawn });
        let open = true;
        let stopped = false;
        let seen = played.actions.length;
        for (const step of events) {
          if (step.type === 'pass') played.pass(step.ms);
          else {
            const before = played.link.phase?.state;
            played.tell(step);
            if (step.type === 'closed' && before !== 'disconnected') open = false;
          }
          for (const { action } of played.actions.slice(seen)) {
            if (stopped) throw new Error(`${action.type} after the end`);
            if (action.type === 'connect') {
              if (open) throw new Error('a second connection');
              open = true;
            }
            if (action.type === 'close') open = false;
            if (action.type === 'stop') stopped = true;
          }
          seen = played.actions.length;
          if (stopped && open) throw new Error('stopped with an open connection');
        }
      },
    ),
  );
  t.end();
});
