import t from 'tap';
import { judge } from '../../../scripts/audit/verdict.js';

const advisory = (id: string, name: string, severity: string) => ({
  source: 1_100_000,
  name,
  dependency: name,
  title: `${name} can be stopped`,
  url: `https://github.com/advisories/${id}`,
  severity,
  cwe: ['CWE-400'],
  cvss: { score: 7.5, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H' },
  range: '<2.0.0',
});

const vulnerability = (name: string, severity: string, via: readonly unknown[]) => ({
  name,
  severity,
  isDirect: false,
  via,
  effects: [],
  range: '<2.0.0',
  nodes: [`node_modules/${name}`],
  fixAvailable: { name, version: '2.0.0', isSemVerMajor: true },
});

const report = (...vulnerabilities: readonly { readonly name: string }[]) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: Object.fromEntries(vulnerabilities.map((entry) => [entry.name, entry])),
    metadata: { vulnerabilities: { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 } },
  });

const RING = advisory('GHSA-aaaa-bbbb-cccc', 'ring', 'high');
const BELL = advisory('GHSA-dddd-eeee-ffff', 'bell', 'critical');
const both = report(
  vulnerability('ring', 'high', [RING]),
  vulnerability('bell', 'critical', [BELL, 'ring']),
  vulnerability('tower', 'critical', ['bell', 'ring']),
);
const why = 'it rings for nobody';

t.test('nothing found', async (t) => {
  t.same(judge(report(), []), { outcome: 'clean', open: [], explained: [], stale: [] });
});

t.test('what is high or critical is found once, however many packages depend on it', async (t) => {
  t.match(judge(both, []), {
    outcome: 'findings',
    open: [
      {
        id: 'GHSA-aaaa-bbbb-cccc',
        package: 'ring',
        severity: 'high',
        title: 'ring can be stopped',
        range: '<2.0.0',
      },
      { id: 'GHSA-dddd-eeee-ffff', package: 'bell', severity: 'critical' },
    ],
  });
});

t.test('what is moderate or low does not count, even beside something that does', async (t) => {
  const mild = advisory('GHSA-mmmm-mmmm-mmmm', 'ring', 'moderate');
  t.match(judge(report(vulnerability('ring', 'moderate', [mild])), []), { outcome: 'clean' });
  const verdict = judge(report(vulnerability('ring', 'high', [mild, RING])), []);
  t.match(verdict, { outcome: 'findings', open: [{ id: RING.url.slice(-19) }] });
  t.equal(verdict.outcome === 'findings' && verdict.open.length, 1);
});

t.test('an explanation holds for its advisory and its package', async (t) => {
  const ring = { id: 'GHSA-aaaa-bbbb-cccc', package: 'ring', why };
  t.match(judge(both, [ring]), {
    outcome: 'findings',
    open: [{ package: 'bell' }],
    explained: [{ ...ring }],
  });
  const all = [ring, { id: 'GHSA-dddd-eeee-ffff', package: 'bell', why }];
  t.match(judge(both, all), { outcome: 'clean', open: [], explained: all, stale: [] });
  for (const wrong of [
    { ...ring, package: 'bell' },
    { ...ring, id: BELL.url.slice(-19) },
  ])
    t.match(judge(report(vulnerability('ring', 'high', [RING])), [wrong]), {
      outcome: 'findings',
      open: [{ package: 'ring' }],
      stale: [wrong],
    });
});

t.test('an explanation of what is no longer found is named, and fails nothing', async (t) => {
  const old = { id: 'GHSA-oooo-oooo-oooo', package: 'anvil', why };
  t.same(judge(report(), [old]), { outcome: 'clean', open: [], explained: [], stale: [old] });
});

t.test('a registry that does not answer is no clean bill', async (t) => {
  const refused = {
    message: '405 Method Not Allowed - POST https://registry.npmjs.org/-/npm/v1/security/advisories/bulk',
    method: 'POST',
    statusCode: 405,
    body: '',
    error: { summary: '', detail: '' },
  };
  t.same(judge(JSON.stringify(refused), []), { outcome: 'unanswered', reason: refused.message });
  for (const output of ['', 'npm error', 'null', '[]', '{}', '{"auditReportVersion":1,"advisories":{}}'])
    t.match(judge(output, []), { outcome: 'unanswered', reason: 'npm printed no' }, output);
});

t.test('a report of an odd form is read as far as it goes, and what is not known counts', async (t) => {
  const odd = report({ name: 'a' }, vulnerability('b', 'high', [null, 7, { name: 'b', severity: 'grave' }]));
  t.match(judge(odd, []), { outcome: 'findings', open: [{ id: '?', package: 'b', severity: 'grave' }] });
});
