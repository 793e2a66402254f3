import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { MemoryOutbox } from '../../../src/agent/outbox.js';
import { DurableOutbox } from '../../../src/agent/state/durable-outbox.js';
import { completed, recordingLog } from './answers.js';

/** The outbox's own timers keep no process alive. */
function keepRunning(t: Test): void {
  const timer = setInterval(() => undefined, 10_000);
  t.teardown(() => clearInterval(timer));
}

async function made(t: Test, contents?: Buffer) {
  const path = join(t.testdir(), 'outbox.journal');
  if (contents !== undefined) writeFileSync(path, contents);
  const log = recordingLog();
  const outbox = await DurableOutbox.open(path, log);
  t.teardown(() => outbox.close());
  keepRunning(t);
  /** What a process finds that starts now, after this one was killed. */
  const found = async () => {
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    const other = await DurableOutbox.open(copy, recordingLog());
    const ids = [...other.all()].map(({ lease }) => lease.taskId);
    await other.close();
    return ids;
  };
  return { path, log, outbox, found, size: () => statSync(path).size };
}

t.test('what is put is in the file soon after', async (t) => {
  const { outbox, found } = await made(t);
  for (let n = 0; n < 50; n++) outbox.put(completed(`t${n}`));
  await outbox.written();
  t.equal((await found()).length, 50);
  outbox.drop('t0');
  outbox.put(completed('t1', 3, 2));
  await outbox.written();
  const ids = await found();
  t.equal(ids.length, 49);
  t.notOk(ids.includes('t0'));
});

t.test('what is dropped before it was written never goes to the disk', async (t) => {
  const { path, outbox } = await made(t);
  for (let n = 0; n < 50; n++) {
    outbox.put(completed(`t${n}`));
    outbox.drop(`t${n}`);
  }
  await outbox.written();
  await outbox.close();
  t.notOk(existsSync(path));
});

t.test('without being asked it writes', async (t) => {
  const { path, outbox } = await made(t);
  writeFileSync(path, '');
  const watched = watch(path);
  t.teardown(() => watched.close());
  outbox.put(completed('t1'));
  await once(watched, 'change');
  t.equal(outbox.size, 1);
});

t.test('answers that come while a write is under way are written after it, in order', async (t) => {
  const { outbox, found } = await made(t);
  const expected: string[] = [];
  for (let turn = 0; turn < 200; turn++) {
    for (let n = 0; n < 3; n++) {
      const id = `t${turn}-${n}`;
      expected.push(id);
      outbox.put(completed(id, 300));
    }
    await nextTurn();
  }
  await outbox.written();
  t.same(await found(), expected);
});

t.test('an outbox that is empty has an empty file', async (t) => {
  const { outbox, path } = await made(t);
  outbox.put(completed('a'));
  outbox.put(completed('b'));
  await outbox.written();
  t.ok(statSync(path).size > 0);
  outbox.drop('a');
  outbox.drop('b');
  await outbox.close();
  t.equal(statSync(path).size, 0);
});

t.test('garbage does not pile up', async (t) => {
  const { outbox, found, size } = await made(t);
  let largest = 0;
  for (let n = 0; n < 400; n++) {
    for (let part = 0; part < 10; part++) outbox.put(completed(`t${n}-${part}`, 4000));
    if (n > 0) for (let part = 0; part < 10; part++) outbox.drop(`t${n - 1}-${part}`);
    await outbox.written();
    largest = Math.max(largest, size());
  }
  // 16 MB went through; 40 kB of it are still needed at any time.
  t.ok(largest < 6 * 1024 * 1024, `${largest} bytes`);
  t.equal((await found()).length, 10);
});

t.test(
  'after a restart: the torn end is cut off, new answers follow, damage is left out with a warning',
  async (t) => {
    const first = await made(t);
    for (const id of ['a', 'b', 'c']) first.outbox.put(completed(id, 50));
    await first.outbox.written();
    const whole = readFileSync(first.path);

    const torn = await made(t, whole.subarray(0, whole.length - 5));
    t.same(torn.log.lines('warn'), []);
    torn.outbox.put(completed('d'));
    await torn.outbox.written();
    t.same(await torn.found(), ['a', 'b', 'd']);

    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 0xff, bytes.length >> 1);
    const damaged = await made(t, bytes);
    t.equal(damaged.log.lines('warn').length, 1);
    t.same(await damaged.found(), ['a', 'c']);

    const foreign = Buffer.from('something else');
    const other = await made(t, foreign);
    t.equal(other.log.lines('warn').length, 1);
    t.same(readFileSync(`${other.path}.damaged`), foreign, 'nothing of it is lost');
    t.equal(other.outbox.size, 0);
  },
);

t.test('a compaction that was cut short leaves the old file as it was', async (t) => {
  const { outbox, path } = await made(t);
  outbox.put(completed('a'));
  await outbox.close();
  writeFileSync(`${path}.new`, 'the first half of');
  const again = await DurableOutbox.open(path, recordingLog());
  t.equal(again.size, 1);
  await again.close();
});

t.test(
  'when the file cannot be written: one warning, in memory, and all of it on disk once it can',
  async (t) => {
    const { outbox, path, log, found } = await made(t);
    const directory = join(path, '..');
    renameSync(directory, `${directory}.away`);
    outbox.put(completed('a'));
    await outbox.written();
    outbox.put(completed('b'));
    outbox.put(completed('gone'));
    outbox.drop('gone');
    t.equal(log.lines('warn').length, 1);
    t.equal(outbox.size, 2);
    const relief = log.next('info');
    renameSync(`${directory}.away`, directory);
    await relief;
    outbox.put(completed('c'));
    await outbox.written();
    t.same(await found(), ['a', 'b', 'c']);
    t.equal(log.lines('warn').length, 1);
  },
);

t.test('a full disk, for a real one', { skip: !isWritable('/dev/full') }, async (t) => {
  const path = join(t.testdir(), 'outbox.journal');
  const log = recordingLog();
  keepRunning(t);
  const outbox = await DurableOutbox.open(path, log);
  symlinkSync('/dev/full', path);
  outbox.put(completed('a'));
  await outbox.written();
  t.same(log.lines('warn').length, 1);
  t.equal(outbox.size, 1);
  // Written anew beside it and put in its place.
  await log.next('info');
  t.ok(statSync(path).isFile());
  await outbox.close();
});

t.test('whatever is put and dropped: a restart finds what the one in memory holds', async (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ put: fc.nat({ max: 20 }), epoch: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 4, arbitrary: fc.record({ drop: fc.nat({ max: 20 }) }) },
    { weight: 1, arbitrary: fc.constant('turn' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  const root = t.testdir();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const directory = join(root, String(runs++));
      mkdirSync(directory);
      const path = join(directory, 'outbox.journal');
      const model = new MemoryOutbox();
      let outbox = await DurableOutbox.open(path, recordingLog());
      for (const step of steps) {
        if (step === 'turn') await nextTurn();
        else if (step === 'restart') {
          await outbox.close();
          outbox = await DurableOutbox.open(path, recordingLog());
        } else if ('put' in step) {
          const answer = completed(`t${step.put}`, 10, step.epoch);
          model.put(answer);
          outbox.put(answer);
        } else {
          model.drop(`t${step.drop}`);
          outbox.drop(`t${step.drop}`);
        }
        if (outbox.size !== model.size || outbox.bytes !== model.bytes) throw new Error('sizes differ');
      }
      await outbox.close();
      outbox = await DurableOutbox.open(path, recordingLog());
      t.same([...outbox.all()], [...model.all()]);
      await outbox.close();
    }),
    { numRuns: 60 },
  );
});

function isWritable(path: string): boolean {
  try {
    return statSync(path).isCharacterDevice();
  } catch {
    return false;
  }
}
