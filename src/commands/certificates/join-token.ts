import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../exit.js';
import { fileProblem } from '../one-line.js';

/** As the handshakes allow. */
const MAX_CHARACTERS = 1024;

/**
 * Reads a join token: the text of the file without the white space around it, 1 to 1024 characters.
 * @throws UsageError
 */
export function readJoinToken(path: string): string {
  return readSecret(path, '--join-token-file');
}

/**
 * Reads a secret in the same form; `flag` names it in errors.
 * @throws UsageError
 */
export function readSecret(path: string, flag: string): string {
  const problem = (text: string, cause?: unknown) => new UsageError(`${flag}: ${path}: ${text}`, { cause });
  let bytes: Uint8Array;
  try {
    if (statSync(path).size > 16 * MAX_CHARACTERS)
      throw problem(`is longer than ${MAX_CHARACTERS} characters`);
    bytes = readFileSync(path);
  } catch (error) {
    throw error instanceof UsageError ? error : problem(fileProblem(error), error);
  }
  let token: string;
  try {
    token = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch (error) {
    throw problem('is not UTF-8 text', error);
  }
  if (token === '') throw problem('is empty');
  if (token.length > MAX_CHARACTERS) throw problem(`is longer than ${MAX_CHARACTERS} characters`);
  return token;
}
