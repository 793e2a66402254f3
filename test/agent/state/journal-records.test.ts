import fc from 'fast-check';
import t from 'tap';
import type { Answer } from '../../../src/agent/outbox.js';
import { readJournal, RecordBuffer } from '../../../src/agent/state/journal-records.js';
import { completed } from './answers.js';

const failed: Answer = {
  lease: { taskId: 'f', attempt: 2, epoch: 7 },
  message: {
    type: 'TaskCompletion',
    taskId: 'f',
    attempt: 2,
    epoch: 7,
    outcome: 'failed',
    runMs: 3,
    error: { name: 'TypeError', message: 'größer', retryable: true },
  },
  payload: null,
};
const pattern: Answer = {
  lease: { taskId: 'p', attempt: 1, epoch: 2 },
  message: {
    type: 'PatternMatchResult',
    taskId: 'p',
    attempt: 1,
    epoch: 2,
    runMs: 3,
    patternType: 'dtw',
    matchCount: 1,
    confidence: null,
    expectedOutcome: -1.5,
    computeTimeMs: 2,
  },
  payload: Uint8Array.of(1),
};

/** Every answer with a number of its own, then the drops. */
function journal(answers: readonly Answer[], drops: readonly number[] = []): Buffer {
  const records = new RecordBuffer();
  for (const [index, answer] of answers.entries()) records.addAnswer(index + 1, answer);
  if (drops.length > 0) records.addDrops(drops);
  return Buffer.from(records.bytes);
}

t.test('answers of every form come back as they were', (t) => {
  const answers = [
    failed,
    pattern,
    completed('empty', 0),
    completed('small', 200),
    completed('large', 300_000),
  ];
  t.same(readJournal(journal(answers)), { answers, records: 5, damaged: 0, tornBytes: 0 });
  t.same(readJournal(Buffer.alloc(0)), { answers: [], records: 0, damaged: 0, tornBytes: 0 });
  t.end();
});

t.test('what was dropped, and what a later answer of its task replaced, does not come back', (t) => {
  const answers = [completed('a'), completed('b'), completed('c'), completed('a', 3, 2)];
  t.same(
    readJournal(journal(answers, [2, 99])).answers.map(({ lease }) => [lease.taskId, lease.epoch]),
    [
      ['c', 1],
      ['a', 2],
    ],
  );
  t.end();
});

t.test('cut off anywhere: every whole record is there, the torn end is counted', (t) => {
  const answers = Array.from({ length: 5 }, (_, n) => completed(`t${n}`, 20));
  const whole = journal(answers);
  const recordBytes = whole.length / 5;
  for (let length = 0; length <= whole.length; length++) {
    const contents = readJournal(whole.subarray(0, length));
    const records = Math.floor(length / recordBytes);
    t.same(
      [contents.records, contents.damaged, contents.tornBytes],
      [records, 0, length - records * recordBytes],
    );
    t.same(contents.answers, answers.slice(0, records));
  }
  t.end();
});

t.test('a damaged record costs itself and no other', (t) => {
  const answers = Array.from({ length: 20 }, (_, n) => completed(`t${10 + n}`, 20));
  const whole = journal(answers);
  const recordBytes = whole.length / 20;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.uint8Array({ minLength: 1, maxLength: 12 }),
      (at, noise) => {
        const bytes = Buffer.from(whole);
        bytes.set(noise.subarray(0, whole.length - at), at);
        if (bytes.equals(whole)) return;
        const touched = new Set(
          [...noise.keys()].map((offset) =>
            Math.floor(Math.min(at + offset, whole.length - 1) / recordBytes),
          ),
        );
        const found = readJournal(bytes).answers.map(({ lease }) => lease.taskId);
        for (const [n, { lease }] of answers.entries()) {
          if (!touched.has(n) && !found.includes(lease.taskId)) throw new Error(`${lease.taskId} is lost`);
        }
        if (found.length < 20 - touched.size) throw new Error('too few');
      },
    ),
  );
  t.end();
});

t.test('bytes of any content are read without a throw, and in linear time', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => readJournal(Buffer.from(noise)).records === 0),
  );
  // Nothing but heads of records that claim to be long.
  const head = Buffer.from('QSJ1\0\x20\0\0\0\0\0\0', 'latin1');
  const bytes = Buffer.concat(Array.from({ length: 400_000 }, () => head));
  const start = performance.now();
  t.equal(readJournal(bytes).records, 0);
  t.ok(performance.now() - start < 2000);
  t.end();
});

t.test('a whole record that holds no answer counts as damaged', (t) => {
  const records = new RecordBuffer();
  records.addAnswer(1, completed('a'));
  const start = records.length;
  // Not a message that answers anything, although a message.
  const foreign = { ...completed('b'), message: { type: 'QueryTask', requestId: 1, taskId: 'b' } };
  records.addAnswer(2, foreign as unknown as Answer);
  t.ok(records.length > start);
  records.addAnswer(3, completed('c'));
  t.match(readJournal(Buffer.from(records.bytes)), {
    records: 2,
    damaged: 1,
    answers: [{ lease: { taskId: 'a' } }, { lease: { taskId: 'c' } }],
  });
  t.end();
});
