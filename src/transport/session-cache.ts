/** Keeps TLS session tickets by server, so that a later connection resumes. Tickets are secrets. */
export interface SessionCache {
  /** The ticket of this server (`HOST:PORT`), if there is one. */
  get(server: string): Uint8Array | undefined;
  /** The newest ticket replaces the older one. */
  set(server: string, session: Uint8Array): void;
  /** It is of no use any more. */
  delete(server: string): void;
}

/** Where tickets outlive the process. Called in the turn of a connection: must neither throw nor take long. */
export interface TicketStorage {
  /** The ticket saved for this server, or null. Asked once for each server. Whatever it returns may be refused. */
  load(server: string): Uint8Array | null;
  /** Null: the ticket is of no use any more. */
  save(server: string, ticket: Uint8Array | null): void;
}

/** Tickets in memory; with a storage, those of an earlier process are found and new ones are passed on. */
export function memorySessionCache(storage?: TicketStorage): SessionCache {
  const sessions = new Map<string, Uint8Array | null>();
  return {
    get: (server) => {
      let session = sessions.get(server);
      if (session === undefined) {
        session = storage?.load(server) ?? null;
        sessions.set(server, session);
      }
      return session ?? undefined;
    },
    set: (server, session) => {
      sessions.set(server, session);
      storage?.save(server, session);
    },
    delete: (server) => {
      sessions.set(server, null);
      storage?.save(server, null);
    },
  };
}
