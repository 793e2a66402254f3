import { createRequire } from 'node:module';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dtw } from '../../../src/tasks/pattern-match/dtw.js';
import { patternMatch } from '../../../src/tasks/pattern-match/handler.js';
import { loadMidstreamer } from '../../../src/tasks/pattern-match/midstreamer.js';
import { testContext } from '../context.js';

const installed = (() => {
  try {
    return loadMidstreamer();
  } catch {
    return null;
  }
})();

/** A package of that name with the given main file, and a `require` that finds it. */
async function packageOf(
  t: { teardown(end: () => Promise<void>): void },
  main: string,
): Promise<NodeJS.Require> {
  const directory = await mkdtemp(join(tmpdir(), 'swarm-kernel-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'node_modules', 'midstreamer'), { recursive: true });
  await writeFile(join(directory, 'node_modules', 'midstreamer', 'index.js'), main);
  return createRequire(join(directory, 'x.cjs'));
}

void t.test('a package that is missing, or another one, is named with the field', async (t) => {
  const failure = {
    name: 'KernelMissing',
    message: /^kernel: .*npm install midstreamer@0\.2\.5/,
    retryable: true,
  };
  t.throws(() => loadMidstreamer(createRequire(join(tmpdir(), 'nowhere', 'x.cjs'))), failure);
  for (const main of ['throw new Error("broken")', 'exports.TemporalCompare = 3', 'module.exports = 1']) {
    const found = await packageOf(t, main);
    t.throws(() => loadMidstreamer(found), failure, main);
  }
  const silly = loadMidstreamer(
    await packageOf(t, 'exports.TemporalCompare = class { dtw() { return "x"; } }'),
  );
  t.throws(() => silly.dtw(Float64Array.of(1), Float64Array.of(1)), failure);
});

void t.test('its distances are returned', async (t) => {
  const found = await packageOf(
    t,
    'exports.TemporalCompare = class { dtw(a, b) { return a.length + b.length; } }',
  );
  t.equal(loadMidstreamer(found).dtw(Float64Array.of(1, 2), Float64Array.of(1)), 3);
});

const input = { current: [1, 3, 2], series: [5, 1, 3, 2, 9, 1, 4, 2, 0], k: 2 };

void t.test(
  'a task that asks for it where it is not fails with its name',
  { skip: installed !== null },
  (t) => {
    t.throws(() => patternMatch({ ...input, kernel: 'midstreamer' }, testContext().context), {
      name: 'KernelMissing',
    });
    t.end();
  },
);

void t.test(
  'both kernels give the same matches',
  { skip: installed === null && 'the package midstreamer is not installed' },
  (t) => {
    const own = patternMatch({ ...input, cost: 'absolute' }, testContext().context);
    const other = patternMatch({ ...input, kernel: 'midstreamer' }, testContext().context);
    t.same({ ...other, computeTimeMs: 0 }, { ...own, computeTimeMs: 0 });
    const a = Float64Array.of(1, 2, 3);
    const b = Float64Array.of(1, 2, 2, 3, 4);
    t.equal(installed?.dtw(a, b), dtw(a, b, { cost: 'absolute' }));
    t.end();
  },
);
