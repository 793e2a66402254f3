/** Keeps TLS session tickets by server, so that a later connection resumes. Tickets are secrets. */
export interface SessionCache {
  get(server: string): Uint8Array | undefined;
  /** The newest ticket replaces the older one. */
  set(server: string, session: Uint8Array): void;
  delete(server: string): void;
}

export function memorySessionCache(): SessionCache {
  const sessions = new Map<string, Uint8Array>();
  return {
    get: (server) => sessions.get(server),
    set: (server, session) => void sessions.set(server, session),
    delete: (server) => void sessions.delete(server),
  };
}
