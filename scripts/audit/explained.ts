/** An advisory that is known, and why it does no harm here. docs/security.md tells of what npm does not know: native code. */
export interface Explanation {
  /** GHSA-…, as in the last part of the advisory's address. */
  readonly id: string;
  /** The package that has the defect, not those that depend on it. */
  readonly package: string;
  readonly why: string;
}

export const EXPLAINED: readonly Explanation[] = [];
