/** In the header of every database of ours: 'qswd'. */
export const APPLICATION_ID = 0x71737764;

/** One step from a version of the schema to the next. */
export interface Migration {
  /** Runs in a transaction of its own. */
  readonly sql: string;
}

/**
 * Times are milliseconds since the Unix epoch. `seq` is the order of submission. `history` has one JSON object a line.
 * The large columns come last, so that reading the others does not touch their pages.
 *
 * tasks_by_end serves both recovery (unfinished: null, in the order of submission) and retention (earliest end first).
 * tasks_with_error finds the dead among a million that did well. It names no column that completing a task changes, and
 * costs such a task nothing; an index by state made completing a third dearer.
 * totals and idempotency keys are written in the transaction that changes the task. `look_at`: when to see whether a key can go.
 */
const VERSION_1 = `
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  timeout_ms INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  idempotency_key TEXT,
  key_held_until INTEGER,
  affinity TEXT,
  submitted_at INTEGER NOT NULL,
  not_before INTEGER,
  epoch INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  agent_id TEXT,
  leased_at INTEGER,
  coordinator_id TEXT,
  deadline_at INTEGER,
  finished_at INTEGER,
  run_ms INTEGER,
  error TEXT,
  events INTEGER NOT NULL,
  history TEXT NOT NULL,
  result BLOB,
  input BLOB
);
CREATE INDEX tasks_by_end ON tasks (finished_at);
CREATE INDEX tasks_with_error ON tasks (task_id) WHERE error IS NOT NULL;

CREATE TABLE totals (state TEXT PRIMARY KEY, tasks INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  key TEXT PRIMARY KEY,
  task_id TEXT NOT NULL,
  held_until INTEGER NOT NULL,
  look_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_look_at ON idempotency_keys (look_at);

CREATE TABLE sessions (
  agent_id TEXT PRIMARY KEY,
  agent_type TEXT NOT NULL,
  kinds TEXT NOT NULL,
  concurrency INTEGER NOT NULL,
  token_hash TEXT NOT NULL,
  previous_token_hash TEXT,
  certificate TEXT,
  started_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE ticket_keys (key_id TEXT PRIMARY KEY, key BLOB NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE nonces (value TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

CREATE TABLE experiences (
  seq INTEGER PRIMARY KEY,
  experience_id TEXT NOT NULL UNIQUE,
  agent_id TEXT NOT NULL,
  task_id TEXT,
  action TEXT NOT NULL,
  context TEXT NOT NULL,
  value REAL NOT NULL,
  confidence REAL NOT NULL,
  latency_ms REAL NOT NULL,
  recorded_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL
);
CREATE INDEX experiences_by_agent ON experiences (agent_id);
CREATE INDEX experiences_by_task ON experiences (task_id) WHERE task_id IS NOT NULL;
`;

/** A table with a rowid: values may be large, and the index of keys stays small. */
const VERSION_2 = `
CREATE TABLE entries (
  collection TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (collection, key)
);
`;

/** As JSON. Last, after the large columns, and yet free for tasks without needs: a null is read from the head of its row. */
const VERSION_3 = 'ALTER TABLE tasks ADD COLUMN needs TEXT;';

/** Free like `needs` for tasks without. */
const VERSION_4 = 'ALTER TABLE tasks ADD COLUMN traceparent TEXT;';

/** States in which a task has an error. */
export const STATES_WITH_ERROR: readonly string[] = ['retrying', 'failed', 'dead'];

/** Entry n leads from version n to version n + 1. Only ever appended to. */
export const MIGRATIONS: readonly Migration[] = [
  { sql: VERSION_1 },
  { sql: VERSION_2 },
  { sql: VERSION_3 },
  { sql: VERSION_4 },
];

/** The tables that every version of ours has. */
export const TABLES: readonly string[] = [
  'experiences',
  'idempotency_keys',
  'nonces',
  'sessions',
  'tasks',
  'ticket_keys',
  'totals',
];
