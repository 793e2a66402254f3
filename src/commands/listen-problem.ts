/** Why an address cannot be bound and what to do, in words; null for errors that have nothing to do with it. */
export function whyNotBound(error: unknown): string | null {
  return WHY_NOT_BOUND.get(errorCode(error) ?? '') ?? null;
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const WHY_NOT_BOUND: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'is in use by another program: stop it, or choose another port (0 picks a free one)'],
  ['EADDRNOTAVAIL', 'is no address of this machine (0.0.0.0 or [::] stand for all of them)'],
  ['EACCES', 'needs more rights: choose a port above 1023'],
  ['ENOTFOUND', 'is not a known host name: write an IP address of this machine'],
  ['EAI_AGAIN', 'cannot be looked up now: write an IP address of this machine'],
]);
