/**
 * A program and its arguments that run Node without `NODE_OPTIONS`. The test runner puts its instrumentation into that
 * variable of whatever is spawned, which makes a start cost three times as much; `env` takes it out after that, and
 * becomes Node: same process id, same streams.
 */
export function plainNode(args: readonly string[]): readonly [program: string, args: readonly string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', process.execPath, ...args]];
}
