import fc from 'fast-check';
import t from 'tap';
import { isLongHeader, parseLongHeader } from '../../src/transport/packet-header.js';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

t.test('the client Initial of RFC 9001 appendix A.2', async (t) => {
  const header = parseLongHeader(bytes('c3 00000001 08 8394c8f03e515708 00 00 449e 00000002'));
  t.match(header, { type: 'initial', version: 1 });
  t.same(header?.dcid, bytes('8394c8f03e515708'));
  t.equal(header?.scid.length, 0);
  t.equal(header?.token.length, 0);
});

t.test('the Retry of RFC 9001 appendix A.4 is no Initial', async (t) => {
  t.match(parseLongHeader(bytes('ff 00000001 00 08 f067a5502a4262b5 746f6b656e')), { type: 'retry' });
});

t.test('types, tokens and versions', async (t) => {
  t.match(parseLongHeader(bytes('d0 00000001 00 00')), { type: 'zero-rtt' });
  t.match(parseLongHeader(bytes('e0 00000001 00 00')), { type: 'handshake' });
  t.match(parseLongHeader(bytes('80 00000000 00 00')), { type: 'version-negotiation' });
  t.match(parseLongHeader(bytes('c0 1a2a3a4a 00 00 00')), { version: 0x1a2a3a4a });
  t.same(parseLongHeader(bytes('c0 00000001 00 00 03 616263'))?.token, bytes('616263'));
  t.same(parseLongHeader(bytes('c0 00000001 00 00 4003 616263'))?.token, bytes('616263'), 'two-byte length');
});

t.test('what is cut short or too long is not a header', async (t) => {
  const broken = [
    '',
    '40 00000001 00 00',
    'c0 00000001',
    'c0 00000001 08 0011',
    'c0 00000001 15 000000000000000000000000000000000000000000 00 00',
    'c0 00000001 00 15 000000000000000000000000000000000000000000 00',
    'c0 00000001 00 00 04 616263',
    'c0 00000001 00 00',
    'c0 00000001 00 00 c000000000000001 61',
  ];
  for (const hex of broken) t.equal(parseLongHeader(bytes(hex)), null, hex);
});

t.test('no bytes make it throw, and its views lie inside the datagram', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (datagram) => {
      const header = parseLongHeader(datagram);
      if (!isLongHeader(datagram)) return header === null;
      if (header === null) return true;
      const end = datagram.byteOffset + datagram.length;
      return [header.dcid, header.scid, header.token].every(
        (view) =>
          view.length === 0 || (view.buffer === datagram.buffer && view.byteOffset + view.length <= end),
      );
    }),
    { numRuns: 5000 },
  );
});
