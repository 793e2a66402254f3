import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** What is used of the package `agentdb` 1.6.1. It has no types of these that hold, so its shape is checked when it is loaded. */
export interface AgentDb {
  createDatabase(file: string): Promise<AgentDbDatabase>;
  readonly HNSWIndex: new (
    database: AgentDbDatabase,
    config: {
      readonly dimension: number;
      readonly metric: 'cosine' | 'ip' | 'l2';
      readonly maxElements: number;
      readonly persistIndex: boolean;
      readonly efSearch: number;
    },
  ) => AgentDbIndex;
}

/** SQLite in WebAssembly: in memory, and in a file after `save`. */
export interface AgentDbDatabase {
  filename: string;
  exec(sql: string): unknown;
  prepare(sql: string): AgentDbStatement;
  save(): void;
  /** Saves first, unless it is in memory alone. */
  close(): void;
}

export interface AgentDbStatement {
  run(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): readonly Readonly<Record<string, unknown>>[];
  finalize(): void;
}

/** The ids of its rows are the first column, which need not be numbers. Takes nothing before `buildIndex`. */
export interface AgentDbIndex {
  buildIndex(table: string): Promise<void>;
  addVector(id: string, vector: Float32Array): void;
  removeVector(id: string): void;
  search(vector: Float32Array, count: number): Promise<readonly { readonly id: unknown }[]>;
  needsRebuild(): boolean;
  isReady(): boolean;
}

/**
 * Loads the package from where this one is installed.
 * @throws Error that says what to install.
 */
export async function loadAgentDb(
  require: NodeJS.Require = createRequire(import.meta.url),
): Promise<AgentDb> {
  const advice = 'npm install agentdb@1.6.1, and npm rebuild hnswlib-node';
  let path: string;
  try {
    path = require.resolve('agentdb');
  } catch (cause) {
    throw new Error(`the package agentdb is not installed (${advice})`, { cause });
  }
  try {
    const loaded: unknown = await import(pathToFileURL(path).href);
    if (isAgentDb(loaded)) return loaded;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the package agentdb cannot be loaded: ${reason} (${advice})`, { cause });
  }
  throw new Error(`the package agentdb that is installed has no createDatabase and HNSWIndex (${advice})`);
}

/** All that can be known of functions before they are called is that they are some. */
function isAgentDb(loaded: unknown): loaded is AgentDb {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    typeof Reflect.get(loaded, 'createDatabase') === 'function' &&
    typeof Reflect.get(loaded, 'HNSWIndex') === 'function'
  );
}
