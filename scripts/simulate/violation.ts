/** The simulation found something that must never be. */
export class Violation extends Error {
  override readonly name = 'Violation';
  constructor(
    /** Which promise was broken, where. */
    readonly problem: string,
    /** What happened to the task at fault, oldest first. */
    readonly story: readonly string[] = [],
  ) {
    super([problem, ...story.map((line) => `  ${line}`)].join('\n'));
  }
}
