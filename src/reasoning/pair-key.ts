/** One key for two texts: different pairs have different keys, whatever is in them. */
export function pairKey(first: string, second: string): string {
  return `${first.length}:${first}${second}`;
}
