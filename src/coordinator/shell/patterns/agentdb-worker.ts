import { renameSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { SHAPE_DIMENSIONS } from '../../../reasoning/patterns/shape.js';
import { loadAgentDb, type AgentDb, type AgentDbDatabase, type AgentDbIndex } from './agentdb-package.js';
import type { AgentDbAnswer, AgentDbQuestion } from './agentdb-patterns.js';
import type { PatternRow } from './kept-patterns.js';
import { answerCalls } from './thread-calls.js';

/** The thread of the AgentDB adapter. */

/** Ours beside what else may be in the database. The index reads ids and embeddings by these names of columns. */
const TABLE = 'swarm_patterns';
const SCHEMA = `CREATE TABLE IF NOT EXISTS ${TABLE} (
  pattern_id TEXT PRIMARY KEY,
  embedding BLOB NOT NULL,
  value BLOB NOT NULL
)`;
/** Vectors that the index has room for at first; it gets twice its number when it is built anew. */
const LEAST_ROOM = 1_024;

/** A database and its index. The index knows no deletion: what is removed is skipped until it is built anew. */
class PatternDatabase {
  readonly #package: AgentDb;
  readonly #database: AgentDbDatabase;
  readonly #file: string;
  /** By id: what is in the index, and what it is built anew from. */
  readonly #vectors = new Map<string, Float32Array>();
  #index: AgentDbIndex | null = null;
  /** Places used in the index, those of removed vectors among them. */
  #used = 0;
  #room = 0;

  constructor(agentDb: AgentDb, database: AgentDbDatabase, file: string) {
    this.#package = agentDb;
    this.#database = database;
    this.#file = file;
    database.exec(SCHEMA);
  }

  read(after: string, limit: number): PatternRow[] {
    const sql = `SELECT pattern_id, value FROM ${TABLE} WHERE pattern_id > ? ORDER BY pattern_id LIMIT ?`;
    const select = this.#database.prepare(sql);
    try {
      return select.all(after, limit).flatMap(({ pattern_id: taskId, value }) => {
        return typeof taskId === 'string' && value instanceof Uint8Array
          ? [{ taskId, value, vector: new Float32Array(0) }]
          : [];
      });
    } finally {
      select.finalize();
    }
  }

  /** Into a new file first: the one before stays whole whatever happens meanwhile. */
  write(puts: readonly PatternRow[], drops: readonly string[]): void {
    const database = this.#database;
    const put = database.prepare(`INSERT OR REPLACE INTO ${TABLE} VALUES (?, ?, ?)`);
    const drop = database.prepare(`DELETE FROM ${TABLE} WHERE pattern_id = ?`);
    database.exec('BEGIN');
    try {
      for (const { taskId, vector, value } of puts) put.run(taskId, bytesOf(vector), value);
      for (const taskId of drops) drop.run(taskId);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    } finally {
      put.finalize();
      drop.finalize();
    }
    // its own close() would write once more, and over the file itself: it is never called
    database.filename = `${this.#file}.new`;
    // what is there keeps its rights: nobody else's to read
    writeFileSync(database.filename, '', { mode: 0o600 });
    database.save();
    renameSync(database.filename, this.#file);
  }

  async set(id: string, vector: Float32Array): Promise<void> {
    const known = this.#vectors.has(id);
    this.#vectors.set(id, vector);
    if (known) this.#index?.removeVector(id);
    if (this.#index === null || this.#used >= this.#room) await this.#rebuild();
    else {
      this.#index.addVector(id, vector);
      this.#used++;
    }
  }

  delete(id: string): void {
    if (this.#vectors.delete(id)) this.#index?.removeVector(id);
  }

  async search(vector: Float32Array, count: number): Promise<string[]> {
    const index = this.#index;
    if (index === null || this.#vectors.size === 0) return [];
    // places of removed vectors are found as well, and skipped
    const gone = this.#used - this.#vectors.size;
    if (gone > count && index.needsRebuild()) {
      await this.#rebuild();
      return this.search(vector, count);
    }
    const found = await index.search(vector, Math.min(this.#used, count + gone));
    return found.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])).slice(0, count);
  }

  /** From a table of its own in memory, as rows that are not written yet belong in it too. */
  async #rebuild(): Promise<void> {
    const memory = await this.#package.createDatabase(':memory:');
    memory.exec('CREATE TABLE vectors (pattern_id TEXT PRIMARY KEY, embedding BLOB NOT NULL)');
    const insert = memory.prepare('INSERT INTO vectors VALUES (?, ?)');
    for (const [id, vector] of this.#vectors) insert.run(id, bytesOf(vector));
    insert.finalize();
    this.#room = Math.max(LEAST_ROOM, 2 * this.#vectors.size);
    this.#index = new this.#package.HNSWIndex(memory, {
      dimension: SHAPE_DIMENSIONS,
      metric: 'cosine',
      maxElements: this.#room,
      persistIndex: false,
      efSearch: 256,
    });
    await this.#index.buildIndex('vectors');
    memory.close();
    this.#used = this.#vectors.size;
  }
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

let opened: PatternDatabase | null = null;

async function answer(question: AgentDbQuestion): Promise<Partial<AgentDbAnswer>> {
  if (question.ask === 'open') {
    const { file } = question;
    const agentDb = await loadAgentDb();
    try {
      opened = new PatternDatabase(agentDb, await agentDb.createDatabase(file), file);
    } catch (cause) {
      throw new Error(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    return {};
  }
  if (opened === null) throw new Error('the database is not open');
  switch (question.ask) {
    case 'read':
      return { rows: opened.read(question.after, question.limit) };
    case 'set':
      for (const { id, vector } of question.entries) await opened.set(id, vector);
      return {};
    case 'delete':
      for (const id of question.ids) opened.delete(id);
      return {};
    case 'write':
      opened.write(question.puts, question.drops);
      return {};
    case 'search':
      return { ids: await opened.search(question.vector, question.count) };
  }
}

if (parentPort === null) throw new Error('this file runs in a worker thread');
answerCalls<AgentDbQuestion, AgentDbAnswer>(parentPort, async (question) => ({
  ids: [],
  rows: [],
  ...(await answer(question)),
}));
