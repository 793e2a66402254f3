/** What a worker process is told: where its server listens on the loopback. */
export interface WorkerTask {
  readonly port: number;
}

export function parseWorkerTask(message: unknown): WorkerTask {
  if (typeof message === 'object' && message !== null && 'port' in message) {
    const { port } = message;
    if (typeof port === 'number') return { port };
  }
  throw new Error('not a task for a worker process');
}

/** A worker process says `ready` once it takes tasks. */
export function parseReady(message: unknown): 'ready' {
  if (message === 'ready') return message;
  throw new Error('a worker process did not say that it is ready');
}
