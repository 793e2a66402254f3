import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadAgentDb } from '../../../../src/coordinator/shell/patterns/agentdb-package.js';
import { openAgentDbPatterns } from '../../../../src/coordinator/shell/patterns/agentdb-patterns.js';
import { systemClock } from '../../../../src/observe/clock.js';
import { silentLog } from '../../../../src/observe/log.js';
import { PATTERNS_KEPT, patternStoreConformance } from './conformance.js';

const options = { clock: systemClock, log: silentLog, max: PATTERNS_KEPT, burst: Infinity };

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'agentdb-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Why it cannot be tried here, or false. */
const missing = await loadAgentDb().then(
  () => false as const,
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
);

t.test('conformance', { skip: missing }, (t) => {
  patternStoreConformance(t, () => {
    const file = join(folder(), 'patterns.agentdb');
    return Promise.resolve({
      open: () => openAgentDbPatterns({ ...options, file }),
      leave: () => Promise.resolve(),
    });
  });
  t.end();
});

t.test('a file that is no database is not taken for an empty one', { skip: missing }, async (t) => {
  const file = join(folder(), 'patterns.agentdb');
  writeFileSync(file, 'this is no database, but a text that is long enough to look at'.repeat(20));
  await t.rejects(openAgentDbPatterns({ ...options, file }), { message: /not a database/ });
});

t.test('without the package it is said what to install', async (t) => {
  const elsewhere = createRequire(join(folder(), 'nowhere.js'));
  if (process.env['NODE_PATH'] === undefined) {
    await t.rejects(loadAgentDb(elsewhere), {
      message:
        'the package agentdb is not installed (npm install agentdb@1.6.1, and npm rebuild hnswlib-node)',
    });
  }
  const other = folder();
  writeFileSync(join(other, 'agentdb.mjs'), 'export const createDatabase = 1;');
  const fake = Object.assign(() => undefined, elsewhere, {
    resolve: Object.assign(() => join(other, 'agentdb.mjs'), { paths: () => [] }),
  });
  await t.rejects(loadAgentDb(fake), { message: /has no createDatabase and HNSWIndex/ });
});
