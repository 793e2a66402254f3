import { createHash } from 'node:crypto';

/** File systems take 255 bytes for a name; what is longer than this is cut and told apart by a hash. */
const LONGEST_NAME = 160;
const HASH_DIGITS = 32;
/** Names that Windows keeps for devices, whatever follows a dot. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/;

/**
 * The name of an agent's folder: a different one for each id on every file system, those that take upper and lower case
 * for the same among them. Lower-case letters, digits, `_` and `-` stand for themselves, and so does a dot inside; all
 * else becomes `%` and two hex digits.
 */
export function folderName(agentId: string): string {
  const name = agentId.replace(/[^a-z0-9_.-]|^\.|\.$/g, escaped).replace(DEVICES, escapedFirst);
  if (name.length <= LONGEST_NAME) return name;
  const hash = createHash('sha256').update(agentId).digest('hex').slice(0, HASH_DIGITS);
  // No escape begins with a tilde and no id can hold one: a cut name is never another id's whole name.
  return `${name.slice(0, LONGEST_NAME - HASH_DIGITS)}~${hash}`;
}

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

function escapedFirst(device: string): string {
  return `${escaped(device.slice(0, 1))}${device.slice(1)}`;
}
