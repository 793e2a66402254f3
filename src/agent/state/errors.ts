/** The state of an agent cannot be used: one line that names the path and what to do. */
export class AgentStateError extends Error {
  override readonly name = 'AgentStateError';
  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }
}

/** What went wrong with a file or folder, in one line. */
export function fileError(path: string, error: unknown): AgentStateError {
  if (error instanceof AgentStateError) return error;
  return new AgentStateError(path, problemOf(error), { cause: error });
}

/** Why the system refused a file, in words. */
export function problemOf(error: unknown): string {
  const code = codeOf(error);
  const words = WORDS.get(code ?? '');
  if (words !== undefined) return words;
  return error instanceof Error ? error.message : String(error);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied: give the agent a directory that its user may write to'],
  ['EPERM', 'permission denied: give the agent a directory that its user may write to'],
  ['EROFS', 'the file system is read-only: choose another directory'],
  ['ENOENT', 'its directory is gone, or cannot be made: choose another directory'],
  ['ENOTDIR', 'a part of the path is a file: choose another directory'],
  ['EEXIST', 'is a file: choose another directory'],
  ['EISDIR', 'is a directory: move it away'],
  ['ENOSPC', 'the disk is full: make room'],
  ['EDQUOT', 'the quota is used up: make room'],
  ['EMFILE', 'too many open files: raise the limit (ulimit -n)'],
  ['ENFILE', 'too many open files on this machine'],
]);
