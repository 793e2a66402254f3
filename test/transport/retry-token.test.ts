import fc from 'fast-check';
import t from 'tap';
import { RetryTokens } from '../../src/transport/retry-token.js';

const scid = Buffer.from('0011223344556677', 'hex');
const odcid = Buffer.from('8394c8f03e515708', 'hex');
const address = '192.0.2.7:4433';

t.test('a token gives the original connection id back, to its address and in its time', async (t) => {
  const tokens = new RetryTokens(0);
  const token = tokens.seal(address, scid, odcid, 1000);
  t.same(tokens.open(token, address, scid, 1000), new Uint8Array(odcid));
  t.same(tokens.open(token, address, scid, 16_000), new Uint8Array(odcid), 'at its last moment');
  t.equal(tokens.open(token, address, scid, 16_001), null, 'expired');
  t.equal(tokens.open(token, '192.0.2.7:4434', scid, 1000), null, 'another port');
  t.equal(tokens.open(token, '192.0.2.8:4433', scid, 1000), null, 'another address');
  t.equal(tokens.open(token, address, Buffer.alloc(8), 1000), null, 'another connection id');
  t.equal(new RetryTokens(0).open(token, address, scid, 1000), null, 'another key');
});

t.test('keys rotate; the one before still reads its tokens', async (t) => {
  const tokens = new RetryTokens(0);
  const token = tokens.seal(address, scid, odcid, 59_000);
  tokens.seal(address, scid, odcid, 61_000);
  t.same(tokens.open(token, address, scid, 61_000), new Uint8Array(odcid));
  const old = tokens.seal(address, scid, odcid, 61_500);
  t.equal(tokens.open(old, address, scid, 61_500 + 200_000), null);
});

t.test('changed or random bytes are refused and never throw', async () => {
  const tokens = new RetryTokens(0);
  const token = tokens.seal(address, scid, odcid, 0);
  fc.assert(
    fc.property(fc.nat({ max: token.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(token);
      changed[at] = (changed[at] ?? 0) ^ flip;
      return tokens.open(changed, address, scid, 0) === null;
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => tokens.open(noise, address, scid, 0) === null),
  );
});
