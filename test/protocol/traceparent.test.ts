import fc from 'fast-check';
import t from 'tap';
import { messageSchemas } from '../../src/protocol/messages.js';
import { readTraceparent, writeTraceparent, type TraceContext } from '../../src/protocol/traceparent.js';

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${String(digits)}}$`));
const id = (digits: number) => hex(digits).filter((text) => !/^0*$/.test(text));
const contexts: fc.Arbitrary<TraceContext> = fc.record({
  traceId: id(32),
  spanId: id(16),
  flags: fc.integer({ min: 0, max: 3 }),
});

t.test('what is written is read back, and has the form in which it travels', async (t) => {
  const pattern = messageSchemas.SubmitTask.properties['traceparent']?.['pattern'];
  t.type(pattern, 'string');
  fc.assert(
    fc.property(contexts, (context) => {
      const text = writeTraceparent(context);
      t.strictSame(readTraceparent(text), { ...context });
      t.match(text, new RegExp(String(pattern)));
    }),
    { numRuns: 200 },
  );
});

t.test('of later versions the first four fields count, and of the flags those that are known', async (t) => {
  fc.assert(
    fc.property(contexts, hex(2), hex(2), fc.string(), (context, version, flags, rest) => {
      fc.pre(version !== '00' && version !== 'ff');
      const read = readTraceparent(`${version}-${context.traceId}-${context.spanId}-${flags}-${rest}`);
      t.strictSame(read, { ...context, flags: Number.parseInt(flags, 16) % 4 });
    }),
    { numRuns: 100 },
  );
});

t.test('any other text is refused, and it is said why', async (t) => {
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /such as 00-/],
    [`00-${trace}-${span}`, /such as/],
    [`00-${trace}-${span}-1`, /such as/],
    [`00-${trace}-${span}-01 `, /such as/],
    [` 00-${trace}-${span}-01`, /such as/],
    [`00-${trace.toUpperCase()}-${span}-01`, /lower-case hex/],
    [`00-${trace}0-${span}-01`, /such as/],
    [`0-${trace}-${span}-01`, /such as/],
    [`00-${trace}-${span}-01-more`, /more than the four fields/],
    [`00-${trace}-${span}-01-`, /more than the four fields/],
    [`cc-${trace}-${span}-01more`, /such as/],
    [`ff-${trace}-${span}-01`, /version ff/],
    [`00-${'0'.repeat(32)}-${span}-01`, /trace id of zeros/],
    [`00-${trace}-${'0'.repeat(16)}-01`, /parent id of zeros/],
  ];
  for (const [text, why] of refused) t.match(readTraceparent(text), why, text);
  fc.assert(fc.property(fc.string(), (text) => t.type(readTraceparent(text), 'string')));
});
