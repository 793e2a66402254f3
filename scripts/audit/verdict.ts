import { isRecord } from '../../src/tasks/checks.js';
import type { Explanation } from './explained.js';

export interface Finding {
  readonly id: string;
  readonly package: string;
  readonly severity: string;
  readonly title: string;
  /** Of versions that have the defect. */
  readonly range: string;
}

/** `unanswered`: there is no report; everything else is about one. */
export type Verdict =
  | { readonly outcome: 'unanswered'; readonly reason: string }
  | {
      readonly outcome: 'clean' | 'findings';
      /** High or critical, and without an explanation. */
      readonly open: readonly Finding[];
      readonly explained: readonly (Finding & { readonly why: string })[];
      /** Explanations of what is no longer found. */
      readonly stale: readonly Explanation[];
    };

/** All else counts, also a word that is not known here. */
const MILD = ['info', 'low', 'moderate'];

/** Judges what `npm audit --json` printed (report version 2). */
export function judge(output: string, explanations: readonly Explanation[]): Verdict {
  const report = parse(output);
  if (!isRecord(report)) return { outcome: 'unanswered', reason: 'npm printed no JSON object' };
  const { auditReportVersion, vulnerabilities, message } = report;
  if (auditReportVersion !== 2 || !isRecord(vulnerabilities)) {
    const reason = typeof message === 'string' ? message : 'npm printed no audit report of version 2';
    return { outcome: 'unanswered', reason };
  }

  const grave = findings(vulnerabilities).filter(({ severity }) => !MILD.includes(severity));
  const about = (finding: Finding) => (explanation: Explanation) =>
    explanation.id === finding.id && explanation.package === finding.package;
  const open = grave.filter((finding) => !explanations.some(about(finding)));
  const explained = grave.flatMap((finding) => {
    const explanation = explanations.find(about(finding));
    return explanation === undefined ? [] : [{ ...finding, why: explanation.why }];
  });
  const stale = explanations.filter((explanation) => !grave.some((finding) => about(finding)(explanation)));
  return { outcome: open.length === 0 ? 'clean' : 'findings', open, explained, stale };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * The advisories of a report, each once. They are the objects in `via`; the names there are packages that only depend
 * on one that has a defect.
 */
function findings(vulnerabilities: Record<string, unknown>): Finding[] {
  const found = new Map<string, Finding>();
  for (const entry of Object.values(vulnerabilities)) {
    const via: unknown = isRecord(entry) ? entry['via'] : null;
    for (const advisory of Array.isArray(via) ? via.filter(isRecord) : []) {
      const text = (field: string) => (typeof advisory[field] === 'string' ? advisory[field] : '?');
      const id = text('url').split('/').at(-1) ?? '?';
      const [name, range] = [text('name'), text('range')];
      found.set(`${id} ${name} ${range}`, {
        id,
        package: name,
        severity: text('severity'),
        title: text('title'),
        range,
      });
    }
  }
  return [...found.values()];
}
