import type { Context, Scalar } from './experience.js';

/** Entries of a context that tell circumstances apart. */
export const MAX_KEY_ENTRIES = 4;
const MAX_TEXT = 24;

/**
 * Reduces a context to one of few keys, so that what happened in like circumstances is counted together.
 *
 * - `names` says which entries count, at most 4, in that order; without it the first 4 in the order of their names.
 * - Numbers fall into powers of two: 700 and 1000 are both `2^9`, -3 is `-2^1`; 0 is `0`.
 * - Texts are cut to 24 characters of `[A-Za-z0-9._-]`, others become `_`. Entries that are missing are left out.
 *
 * An empty context gives the empty key.
 */
export function contextKey(context: Context, names?: readonly string[]): string {
  let key = '';
  let entries = 0;
  for (const name of names ?? Object.keys(context).sort()) {
    const value = Object.hasOwn(context, name) ? context[name] : undefined;
    if (value === undefined) continue;
    if (entries === MAX_KEY_ENTRIES) break;
    key += `${entries === 0 ? '' : ' '}${plainText(name)}=${bucket(value)}`;
    entries++;
  }
  return key;
}

function bucket(value: Scalar): string {
  if (typeof value === 'number') {
    if (value === 0) return '0';
    return `${value < 0 ? '-' : ''}2^${Math.floor(Math.log2(Math.abs(value)))}`;
  }
  return typeof value === 'string' ? plainText(value) : String(value);
}

function plainText(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/[^A-Za-z0-9._-]/g, '_');
}
