/** Longest value of a user repeated in an error. */
const QUOTED_LENGTH = 80;

/** `text` as one line that is safe on a terminal: control characters (line breaks, escape sequences) become blanks. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** A value as errors show it: in single quotes, on one line, cut when long. */
export function quote(value: string): string {
  const safe = value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
  const characters = Array.from(safe.slice(0, QUOTED_LENGTH * 2));
  return characters.length > QUOTED_LENGTH
    ? `'${characters.slice(0, QUOTED_LENGTH).join('')}…'`
    : `'${safe}'`;
}

/** Why a file operation failed, in words. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file or directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory, a file is wanted';
    case 'ENOTDIR':
      return 'a part of the path is not a directory';
    case 'EEXIST':
      return 'a file of that name is in the way';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'no space left on the device';
    case 'ERR_FS_FILE_TOO_LARGE':
      return 'the file is too large';
    default:
      return error instanceof Error ? oneLine(error.message) : 'unknown reason';
  }
}

/** Why something failed, as one line for the log. */
export function reasonOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
