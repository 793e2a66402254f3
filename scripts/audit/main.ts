/**
 * `npm run audit`: asks the registry for known defects of the packages in package-lock.json, those for development too.
 * Exit status 0: none is high or critical, or each is explained in explained.ts; 1: some are not; 3: the registry gave
 * no answer.
 */
import { spawnSync } from 'node:child_process';
import { EXPLAINED } from './explained.js';
import { judge, type Finding, type Verdict } from './verdict.js';

const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

function ask(): Verdict {
  const { stdout, error } = spawnSync('npm', ['audit', '--json', '--package-lock-only'], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error !== undefined) return { outcome: 'unanswered', reason: error.message };
  return judge(stdout, EXPLAINED);
}

const line = ({ severity, id, package: name, range, title }: Finding) =>
  `${severity} ${id} in ${name} ${range}: ${title}`;

/** Returns the exit status. */
function report(verdict: Verdict): number {
  if (verdict.outcome === 'unanswered') {
    console.error(`Nothing was checked: ${verdict.reason}`);
    return 3;
  }
  const { outcome, open, explained, stale } = verdict;
  for (const finding of explained) console.log(`explained: ${line(finding)}\n  ${finding.why}`);
  for (const { id, package: name } of stale)
    console.log(`no longer found, take it out of explained.ts: ${id} in ${name}`);
  for (const finding of open) console.error(line(finding));
  console.log(`${open.length} high or critical findings to mend or explain, ${explained.length} explained`);
  return outcome === 'clean' ? 0 : 1;
}

process.exitCode = report(ask());
