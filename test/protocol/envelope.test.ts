import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { decodeEnvelope, encodeFrame, encodeHead } from '../../src/protocol/envelope.js';
import { ProtocolError } from '../../src/protocol/errors.js';
import { messageSchemas, type Message, type MessageOf } from '../../src/protocol/messages.js';
import { pack, unpackCopies } from '../../src/protocol/msgpack.js';
import { messageRules, payloadNeed } from '../../src/protocol/rules.js';
import { anyMessage, MESSAGE_TYPES, messageOf } from './arbitraries.js';

/** Any message with a payload as its type and state want it. */
const anyEnvelope = fc
  .tuple(anyMessage, fc.oneof(fc.nat(600), fc.integer({ min: 60_000, max: 70_000 })), fc.boolean())
  .map(([message, size, keep]): { message: Message; payload: Uint8Array | null } => {
    const need = payloadNeed(message);
    const wanted = need === 'required' || (need === 'optional' && keep);
    return { message, payload: wanted ? new Uint8Array(size).fill(size) : null };
  });

const bodyOf = (fields: unknown[]): Uint8Array => Uint8Array.from(pack(fields));

function refusal(body: Uint8Array): ProtocolError {
  try {
    decodeEnvelope(body);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error(`accepted: ${Buffer.from(body).toString('hex')}`);
}

t.test('every message comes back as it was sent', (t) => {
  fc.assert(
    fc.property(anyEnvelope, ({ message, payload }) => {
      const frame = Uint8Array.from(encodeFrame(message, payload));
      assert.equal(new DataView(frame.buffer).getUint32(0), frame.length - 4);
      const decoded = decodeEnvelope(frame.subarray(4));
      assert.deepEqual({ ...decoded.message }, { ...message });
      assert.deepEqual(decoded.payload, payload);
    }),
    { numRuns: 400 },
  );
  t.end();
});

t.test('the bytes are what a library for all of MessagePack writes', (t) => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const { type, ...fields } = message;
      const names = Object.keys(messageSchemas[type].properties);
      const inOrder = Object.entries(fields).sort(([a], [b]) => names.indexOf(a) - names.indexOf(b));
      const body = encodeFrame(message).subarray(4);
      assert.deepEqual(unpackCopies(body), [type, Object.fromEntries(inOrder)]);
      assert.equal(body.length, pack([type, Object.fromEntries(inOrder)]).length);
    }),
    { numRuns: 400 },
  );
  t.end();
});

t.test('in another order, and with a field that nobody knows, a message reads the same', (t) => {
  fc.assert(
    fc.property(anyEnvelope, fc.boolean(), ({ message, payload }, foreign) => {
      const { type, ...fields } = message;
      const backwards = Object.fromEntries(Object.entries(fields).reverse());
      const body = bodyOf([
        type,
        foreign ? { nobodyKnowsThis: [1.5, { a: null }], ...backwards } : backwards,
        ...(payload === null ? [] : [payload]),
      ]);
      const decoded: Record<string, unknown> = { ...decodeEnvelope(body).message };
      delete decoded['nobodyKnowsThis'];
      assert.deepEqual(decoded, { ...message });
    }),
    { numRuns: 400 },
  );
  t.end();
});

t.test('numbers of every width, and text around every width of its length', (t) => {
  for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48, 0.5]) {
    const requestId = Math.min(2 ** 32 - 1, Math.floor(value));
    const message: Message = { type: 'SubmitTask', requestId, kind: 'compute', delayMs: value, watch: true };
    const body = Uint8Array.from(encodeFrame(message, new Uint8Array(1))).subarray(4);
    t.strictSame({ ...decodeEnvelope(body).message }, message);
  }
  for (const value of [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -0.5, 1e300]) {
    const message: Message = { type: 'ReportOutcome', requestId: 1, taskId: 't', actual: value };
    t.strictSame({ ...decodeEnvelope(Uint8Array.from(encodeFrame(message)).subarray(4)).message }, message);
  }
  for (const length of [1, 31, 32, 63, 64, 65, 255, 256, 4096]) {
    for (const letter of ['a', 'é', '𝄞']) {
      const note = letter.repeat(length / letter.length);
      const message: Message = { type: 'ErrorReport', code: 1, name: 'X', message: note };
      t.strictSame({ ...decodeEnvelope(Uint8Array.from(encodeFrame(message)).subarray(4)).message }, message);
    }
  }
  t.end();
});

t.test('every way to write a value is read', (t) => {
  const head = Buffer.concat([Buffer.from([0x92, 0xad]), Buffer.from('ReportOutcome'), Buffer.from([0x83])]);
  const field = (name: string, ...value: (number | Buffer)[]) =>
    Buffer.concat([
      Buffer.from([0xa0 | name.length]),
      Buffer.from(name),
      ...value.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)),
    ]);
  const requestId = field('requestId', 1);
  const taskId = field('taskId', 0xa1, Buffer.from('t'));
  const read = (...fields: Buffer[]) => ({ ...decodeEnvelope(Buffer.concat([head, ...fields])).message });
  const numbers: readonly (readonly [string, readonly number[], number])[] = [
    ['uint 8', [0xcc, 7], 7],
    ['uint 16', [0xcd, 0, 7], 7],
    ['uint 32', [0xce, 0, 0, 0, 7], 7],
    ['uint 64', [0xcf, 0, 0, 0, 0, 0, 0, 0, 7], 7],
    ['int 8', [0xd0, 0xf9], -7],
    ['int 16', [0xd1, 0xff, 0xf9], -7],
    ['int 32', [0xd2, 0xff, 0xff, 0xff, 0xf9], -7],
    ['int 64', [0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf9], -7],
    ['float 32', [0xca, 0x40, 0xe0, 0, 0], 7],
    ['float 64', [0xcb, 0x40, 0x1c, 0, 0, 0, 0, 0, 0], 7],
  ];
  for (const [name, bytes, actual] of numbers) {
    const expected = { type: 'ReportOutcome', requestId: 1, taskId: 't', actual };
    t.strictSame(read(requestId, taskId, field('actual', ...bytes)), expected, name);
  }
  for (const [name, bytes] of [
    ['str 8', [0xd9, 1, 0x74]],
    ['str 16', [0xda, 0, 1, 0x74]],
    ['str 32', [0xdb, 0, 0, 0, 1, 0x74]],
  ] as const) {
    const expected = { type: 'ReportOutcome', requestId: 1, taskId: 't', actual: 7 };
    t.strictSame(read(requestId, field('taskId', ...bytes), field('actual', 7)), expected, name);
  }
  const ack = (ids: readonly number[]) =>
    Buffer.concat([
      Buffer.from([0x92, 0xaa]),
      Buffer.from('MessageAck'),
      Buffer.from([0xdf, 0, 0, 0, 3]),
      field('status', 0xa8, Buffer.from('received')),
      field('requestIds', ...ids),
      field('taskIds', 0x90),
    ]);
  const expected = { type: 'MessageAck', status: 'received', requestIds: [1, 2], taskIds: [] };
  for (const ids of [
    [0x92, 1, 2],
    [0xdc, 0, 2, 1, 2],
    [0xdd, 0, 0, 0, 2, 1, 2],
    [0xdd, 0, 0, 0, 2, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1, 2],
  ]) {
    t.strictSame({ ...decodeEnvelope(ack(ids)).message }, expected, Buffer.from(ids).toString('hex'));
  }
  for (const [name, ids] of [
    ['bin 8', [0xc4, 2, 1, 2]],
    ['an extension', [0xd4, 1, 0]],
    ['a map', [0x81, 0xa1, 0x61, 1]],
  ] as const) {
    t.match(refusal(ack(ids)), { message: /requestIds|in an array of 8-byte numbers/ }, name);
  }
  t.end();
});

t.test('what is nested without end is refused by name', (t) => {
  for (const token of [0x91, 0x9f, 0xdc, 0x81]) {
    const head = Buffer.concat([Buffer.from([0x92, 0xaa]), Buffer.from('MessageAck'), Buffer.of(0x81, 0xaa)]);
    const body = Buffer.concat([head, Buffer.from('requestIds'), Buffer.alloc(1_000_000, token)]);
    t.match(refusal(body), { name: 'BAD_MESSAGEPACK' });
  }
  t.end();
});

t.test('the quick way to read and the one for all of MessagePack agree, whatever the bytes', (t) => {
  const strange = Buffer.concat([Buffer.of(0xa4), Buffer.from('odd!'), Buffer.of(0xc0)]);
  fc.assert(
    fc.property(
      anyMessage,
      fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: 0x80, max: 0xff })), { maxLength: 3 }),
      (message, changes) => {
        const body = Buffer.from(encodeFrame(message).subarray(4));
        const fieldsAt = 2 + message.type.length;
        const count = body[fieldsAt] ?? 0;
        if (count < 0x80 || count >= 0x8f) return; // no room for one more field in the header's byte
        const names = Object.keys(message).filter((name) => name !== 'type');
        for (const [place, value] of changes) {
          const name = names[place % (2 * names.length)];
          // Half of them where the value of a field begins.
          const at =
            name === undefined ? place % (body.length - fieldsAt - 1) : body.indexOf(name) + name.length;
          body[name === undefined ? fieldsAt + 1 + at : at] = value;
        }
        // A field that nobody knows, first of all, is read the slow way.
        const slow = Buffer.concat([
          body.subarray(0, fieldsAt),
          Buffer.of(count + 1),
          strange,
          body.subarray(fieldsAt + 1),
        ]);
        const said = (bytes: Buffer) => {
          try {
            const read: Record<string, unknown> = { ...decodeEnvelope(bytes).message };
            delete read['odd!'];
            return read;
          } catch (error) {
            if (error instanceof ProtocolError) return `${error.name} ${error.field ?? ''}`;
            throw error;
          }
        };
        assert.deepEqual(said(body), said(slow));
      },
    ),
    { numRuns: 1000 },
  );
  t.end();
});

t.test('head and payload apart are the same bytes as the frame', (t) => {
  fc.assert(
    fc.property(anyEnvelope, ({ message, payload }) => {
      const frame = Buffer.from(encodeFrame(message, payload));
      const head = encodeHead(message, payload?.length ?? null);
      return frame.equals(Buffer.concat([head, payload ?? new Uint8Array(0)]));
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('the bytes do not depend on the order of properties; undefined and foreign ones stay at home', (t) => {
  const message: Message = { type: 'QueryTask', requestId: 5, taskId: 'task' };
  const shuffled = {
    secret: 'not for the wire',
    taskId: 'task',
    requestId: 5,
    type: 'QueryTask',
    note: undefined,
  } as const;
  t.ok(Buffer.from(encodeFrame(message)).equals(encodeFrame(shuffled)));
  t.end();
});

t.test('payloads around every width of length, and large messages', (t) => {
  const message: Message = {
    type: 'AgentTask',
    taskId: 't',
    attempt: 1,
    epoch: 1,
    kind: 'compute',
    priority: 0,
    timeoutMs: 1,
  };
  for (const size of [0, 1, 255, 256, 8_000, 65_535, 65_536, 5_000_000]) {
    const payload = new Uint8Array(size).fill(size);
    const decoded = decodeEnvelope(Uint8Array.from(encodeFrame(message, payload)).subarray(4));
    t.ok(decoded.payload !== null && Buffer.from(decoded.payload).equals(payload), `${size} bytes`);
  }
  const taskIds = Array.from(
    { length: 40_000 },
    (_, index) => `0197f3c2-7b1a-7c3d-9e4f-${String(index).padStart(12, '0')}`,
  );
  const ack: Message = { type: 'MessageAck', status: 'processed', requestIds: [], taskIds };
  t.strictSame(decodeEnvelope(Uint8Array.from(encodeFrame(ack)).subarray(4)).message, ack);
  t.end();
});

t.test('the payload is a view of the body', (t) => {
  const message: Message = { type: 'SubmitTask', requestId: 1, kind: 'compute', watch: false };
  const frame = Uint8Array.from(encodeFrame(message, Uint8Array.of(1, 2, 3)));
  const { payload } = decodeEnvelope(frame.subarray(4));
  t.equal(payload?.buffer, frame.buffer);
  t.end();
});

t.test('a payload of its own shares no memory with the body, on the quick way and on the slow one', (t) => {
  const fields = { requestId: 1, kind: 'compute', watch: false };
  const quick = encodeFrame({ type: 'SubmitTask', ...fields }, Uint8Array.of(1, 2, 3)).slice(4);
  const slow = bodyOf(['SubmitTask', { odd: true, ...fields }, Buffer.of(1, 2, 3)]);
  for (const body of [quick, slow]) {
    const { payload } = decodeEnvelope(body, 0, body.length, true);
    body.fill(0);
    t.same([...(payload ?? [])], [1, 2, 3]);
  }
  t.end();
});

t.test('unknown fields are ignored', (t) => {
  const body = bodyOf([
    'QueryStatus',
    { requestId: 1, later: { deep: [1, new Float64Array(2)] }, type: 'AgentTask' },
  ]);
  t.match(decodeEnvelope(body).message, { type: 'QueryStatus', requestId: 1 });
  t.end();
});

t.test('errors say what they are about as far as it could be read', (t) => {
  const taskId = '0197f3c2-7b1a-7c3d-9e4f-0123456789ab';
  t.match(refusal(bodyOf(['CancelTask', { requestId: 7, taskId, reason: 'bored' }])), {
    name: 'BAD_FIELD',
    fatal: false,
    messageType: 'CancelTask',
    field: '/reason',
    requestId: 7,
    taskId,
    message: 'CancelTask: /reason must be one of cancelled, timeout, superseded',
  });
  t.match(refusal(bodyOf(['Later', { requestId: 7, taskId }])), {
    name: 'UNKNOWN_MESSAGE_TYPE',
    messageType: 'Later',
    requestId: 7,
    taskId,
  });
  const long = refusal(bodyOf(['x'.repeat(5_000), { requestId: -1, taskId: 'y'.repeat(65) }]));
  t.match(long, {
    name: 'UNKNOWN_MESSAGE_TYPE',
    messageType: 'x'.repeat(64),
    requestId: undefined,
    taskId: undefined,
  });
  t.ok(long.message.length < 200);
  t.match(refusal(bodyOf(['SubmitTask', { requestId: 7, kind: 'compute', watch: false }])), {
    name: 'MISSING_PAYLOAD',
    requestId: 7,
  });
  t.end();
});

t.test('the field at fault is named', (t) => {
  const handshake = {
    protocolVersions: [1],
    agentId: 'a',
    agentType: 'worker',
    kinds: [],
    concurrency: 1,
    software: 's',
  };
  const cases: readonly (readonly [string, unknown, string, RegExp])[] = [
    [
      'AgentHandshake',
      { ...handshake, leases: [{ taskId: 't', attempt: 1, epoch: 0 }] },
      '/leases/0/epoch',
      />= 1/,
    ],
    ['AgentHandshake', { ...handshake, protocolVersions: [] }, '/protocolVersions', /1 items/],
    ['AgentHandshake', { ...handshake, agentId: 'a b' }, '/agentId', /pattern/],
    ['AgentHandshake', { ...handshake, leases: [{ taskId: 't', attempt: 1 }] }, '/leases/0/epoch', /missing/],
    ['AgentHandshake', { ...handshake, concurrency: 4097 }, '/concurrency', /<= 4096/],
    ['AgentHandshake', [], '', /map/],
    [
      'PatternMatchResult',
      {
        taskId: 't',
        attempt: 1,
        epoch: 1,
        runMs: 1,
        patternType: 'p',
        matchCount: 1,
        confidence: 2,
        expectedOutcome: null,
        computeTimeMs: 1,
      },
      '/confidence',
      /<= 1 or must be null/,
    ],
    ['ReasoningExperience', experience({ 'line\nend': [] }), '/context/line\nend', /must be/],
    ['ReasoningExperience', experience({ ['k'.repeat(65)]: 1 }), `/context/${'k'.repeat(65)}`, /not a name/],
    ['ReasoningExperience', experience({ deep: { x: 1 } }), '/context/deep', /number or/],
  ];
  for (const [type, fields, field, problem] of cases) {
    const error = refusal(
      bodyOf([type, fields, ...(type === 'PatternMatchResult' ? [Uint8Array.of(0xc0)] : [])]),
    );
    t.match(error, { name: field === '' ? 'BAD_MESSAGEPACK' : 'BAD_FIELD', message: problem });
    if (field !== '') t.equal(error.field, field);
  }
  t.end();
});

function experience(context: object): object {
  const outcome = { value: 1, confidence: 1, latencyMs: 1 };
  return { experienceId: 'e', agentId: 'a', action: 'x', context, outcome, recordedAt: 1 };
}

t.test('results and task states decide about their payload', (t) => {
  const lease = { taskId: 't', attempt: 1, epoch: 1 };
  const done = (outcome: MessageOf<'TaskCompletion'>['outcome'], payload?: Uint8Array) =>
    bodyOf(['TaskCompletion', { ...lease, outcome, runMs: 1 }, ...(payload === undefined ? [] : [payload])]);
  t.equal(decodeEnvelope(done('cancelled')).payload, null);
  t.strictSame(decodeEnvelope(done('completed', new Uint8Array(0))).payload, new Uint8Array(0));
  t.equal(refusal(done('completed')).name, 'MISSING_PAYLOAD');
  t.equal(refusal(done('failed', Uint8Array.of(0xc0))).name, 'UNEXPECTED_PAYLOAD');
  fc.assert(
    fc.property(messageOf('TaskUpdate'), (message) => {
      if (message.type !== 'TaskUpdate') throw new Error('another type');
      return payloadNeed(message) === (message.task.state === 'completed' ? 'optional' : 'none');
    }),
  );
  t.end();
});

t.test('mutated frames end in a message or a named error, and quickly', (t) => {
  const seeds = fc
    .sample(anyEnvelope, { numRuns: 200, seed: 1 })
    .map(({ message, payload }) =>
      Uint8Array.from(encodeFrame(message, payload?.subarray(0, 64) ?? null)).subarray(4),
    );
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const before = process.memoryUsage();
  let accepted = 0;
  const refused: Record<string, number> = {};
  for (let round = 0; round < 20_000; round++) {
    const body = Uint8Array.from(seeds[random(seeds.length)] ?? []);
    for (let change = random(4); change >= 0; change--) body[random(body.length)] = random(256);
    const mutated = random(4) === 0 ? body.subarray(0, random(body.length)) : body;
    try {
      decodeEnvelope(mutated);
      accepted++;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused[error.name] = (refused[error.name] ?? 0) + 1;
    }
  }
  t.ok(accepted > 500, `${accepted} accepted`);
  t.ok((refused.BAD_MESSAGEPACK ?? 0) > 1000 && (refused.BAD_FIELD ?? 0) > 500, JSON.stringify(refused));
  t.ok(process.memoryUsage().heapUsed - before.heapUsed < 200_000_000);
  t.end();
});

t.test('what lies around a body changes nothing of what is read of it', (t) => {
  const said = (bytes: Uint8Array, start?: number, end?: number) => {
    try {
      const { message, payload } = decodeEnvelope(bytes, start, end);
      return { message: { ...message }, payload: payload === null ? null : Uint8Array.from(payload) };
    } catch (error) {
      if (error instanceof ProtocolError) return `${error.name} ${error.message}`;
      throw error;
    }
  };
  fc.assert(
    fc.property(
      anyEnvelope,
      fc.nat(20),
      fc.boolean(),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 0xff })), { maxLength: 2 }),
      ({ message, payload }, before, cut, place, changes) => {
        const whole = Buffer.from(encodeFrame(message, payload?.subarray(0, 64) ?? null).subarray(4));
        for (const [at, value] of changes) whole[at % whole.length] = value;
        // what comes behind the cut is just what a reader would expect there
        const length = cut ? place % whole.length : whole.length;
        const among = Buffer.concat([Buffer.alloc(before, 0x93), whole, Buffer.alloc(8, 0xc4)]);
        assert.deepEqual(said(among, before, before + length), said(Buffer.from(whole.subarray(0, length))));
      },
    ),
    { numRuns: 400 },
  );
  t.end();
});

t.test('every type has a rule and a name that fits the short form', (t) => {
  t.same(Object.keys(messageRules).sort(), [...MESSAGE_TYPES].sort());
  for (const type of MESSAGE_TYPES) {
    t.ok(Buffer.byteLength(type) <= 31, type);
    t.notOk('type' in messageSchemas[type].properties, `${type} has no field of the name type`);
  }
  t.end();
});
