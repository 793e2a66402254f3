import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { decodeValue } from '../../src/index.js';
import type { LoadResult } from './load.js';
import { isResultOf, keyOf } from './work.js';

/** What the files say when all is over. */
export interface Verdict {
  /** Acknowledged submits that are not in the store, or are there unfinished. */
  readonly lost: number;
  /** Results in the store that differ from what was to be computed. */
  readonly wrong: number;
  /** Tasks for which more than one end was recorded. */
  readonly endedTwice: number;
  /** Tasks that ran more than once. Faults make that unavoidable; only one result may be accepted. */
  readonly ranTwice: number;
  readonly executions: number;
  /** What must never be, in words; the first ones. */
  readonly problems: readonly string[];
}

const MOST_PROBLEMS = 20;

/** Compares what the client was promised with what the database holds and what the agents wrote down. */
export async function verify(
  seed: number,
  load: LoadResult,
  databaseFile: string,
  executionsDirectory: string,
): Promise<Verdict> {
  const rows = readTasks(databaseFile);
  const executions = await readExecutions(executionsDirectory);
  const problems: string[] = [];
  let lost = 0;
  let wrong = 0;
  let endedTwice = 0;
  const rowsOfKey = new Map<string, number>();
  for (const { key } of rows.values()) rowsOfKey.set(key, (rowsOfKey.get(key) ?? 0) + 1);

  for (const [number, taskId] of load.acknowledged) {
    const row = rows.get(taskId);
    if (row?.state !== 'completed') {
      lost++;
      problems.push(`task ${number} (${taskId}) was acknowledged and is ${row?.state ?? 'nowhere'}`);
      continue;
    }
    if (row.key !== keyOf(seed, number)) problems.push(`task ${taskId} has the key ${row.key}`);
    if (!isResultOf(number, row.result)) {
      wrong++;
      problems.push(`task ${number} is stored with ${JSON.stringify(row.result)}`);
    }
    if (!executions.has(number)) problems.push(`task ${number} has a result and never ran`);
  }
  for (const { taskId, key, state, ends } of rows.values()) {
    if ((rowsOfKey.get(key) ?? 0) > 1)
      problems.push(`the key ${key} has several tasks, ${taskId} among them`);
    if (ends > 1) {
      endedTwice++;
      problems.push(`task ${taskId} ended ${ends} times`);
    }
    if (ends === 0) problems.push(`task ${taskId} is ${state} and nobody works on it`);
  }
  const counts = [...executions.values()];
  return {
    lost,
    wrong,
    endedTwice,
    ranTwice: counts.filter((count) => count > 1).length,
    executions: counts.reduce((sum, count) => sum + count, 0),
    problems: problems.slice(0, MOST_PROBLEMS),
  };
}

interface Row {
  readonly taskId: string;
  readonly key: string;
  readonly state: string;
  readonly result: unknown;
  /** How often its history says that it came to an end. */
  readonly ends: number;
}

/** By task id. Reads the file itself, not through the store. */
function readTasks(file: string): Map<string, Row> {
  const database = new Database(file, { readonly: true });
  try {
    const rows = new Map<string, Row>();
    const all: unknown = database
      .prepare('SELECT task_id, idempotency_key, state, result, history FROM tasks')
      .all();
    if (!Array.isArray(all)) throw new Error(`${file}: no rows`);
    for (const raw of all as readonly Readonly<Record<string, unknown>>[]) {
      const { task_id, idempotency_key, state, result, history } = raw;
      const taskId = String(task_id);
      rows.set(taskId, {
        taskId,
        key: String(idempotency_key),
        state: String(state),
        result: decodeColumn(result),
        ends: countEnds(String(history)),
      });
    }
    return rows;
  } finally {
    database.close();
  }
}

function decodeColumn(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeValue(value);
  return value instanceof ArrayBuffer ? decodeValue(new Uint8Array(value)) : null;
}

function countEnds(history: string): number {
  const events = history
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { readonly event?: unknown }).event);
  const isLast = (index: number) => index === events.length - 1;
  // An attempt that failed is an end only when nothing follows.
  return events.filter(
    (event, index) => event === 'complete' || event === 'cancel' || (isLast(index) && event === 'fail'),
  ).length;
}

/** How often each task ran. */
async function readExecutions(directory: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const file of await readdir(directory)) {
    for (const line of (await readFile(join(directory, file), 'utf8')).split('\n')) {
      if (line === '') continue;
      const number = Number(line);
      counts.set(number, (counts.get(number) ?? 0) + 1);
    }
  }
  return counts;
}
