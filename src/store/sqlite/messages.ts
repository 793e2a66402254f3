import type { EntryFilter, ExperienceFilter, RetentionRule, StoreError, TaskFilter } from '../store.js';
import type { StoreOpenReason } from '../open-error.js';

/** What the worker is told when it starts. */
export interface WorkerSettings {
  readonly directory: string;
  readonly durability: 'full' | 'normal';
  readonly tuning: SqliteTuning;
}

/** Sizes that have a good value already; tests and measurements use others. */
export interface SqliteTuning {
  /** Nonces kept at once. */
  readonly nonces: number;
  /** Experiences kept; the oldest go first. */
  readonly experiences: number;
  /** Room kept on the disk for when it is full; less on a small disk. */
  readonly reserveBytes: number;
  /** Pages of the write-ahead log from which on it is copied into the database: when idle, and in any case. */
  readonly checkpointIdlePages: number;
  readonly checkpointMaxPages: number;
  /** Rows that one step of a list looks at before commits get their turn. */
  readonly listStepRows: number;
  /** Pages of 4 KiB that the database may have; null: as many as the disk has room for. */
  readonly maxPages: number | null;
}

export const DEFAULT_TUNING: SqliteTuning = {
  nonces: 1_000_000,
  experiences: 100_000,
  reserveBytes: 16 * 1024 * 1024,
  checkpointIdlePages: 2_000,
  checkpointMaxPages: 8_000,
  listStepRows: 4_000,
  maxPages: null,
};

/** What the worker is asked. Large things travel as one buffer or one text: see op-buffer.ts and values.ts. */
export type Question =
  | { readonly type: 'commit'; readonly ops: ArrayBuffer }
  | { readonly type: 'consumeNonces'; readonly nonces: ArrayBuffer; readonly now: number }
  | { readonly type: 'loadRecords' }
  | { readonly type: 'loadTasks'; readonly afterSeq: number }
  | { readonly type: 'readInputs'; readonly taskIds: readonly string[] }
  | { readonly type: 'readStates'; readonly taskIds: readonly string[] }
  | { readonly type: 'readResults'; readonly taskIds: readonly string[] }
  | { readonly type: 'keyHolder'; readonly key: string; readonly at: number }
  | { readonly type: 'get'; readonly taskIds: readonly string[] }
  | { readonly type: 'list'; readonly filter: TaskFilter }
  | { readonly type: 'count' }
  | { readonly type: 'prune'; readonly rule: RetentionRule; readonly now: number }
  | { readonly type: 'readExperiences'; readonly filter: ExperienceFilter }
  | { readonly type: 'readEntries'; readonly filter: EntryFilter }
  | { readonly type: 'close' };

export interface Request {
  readonly id: number;
  readonly question: Question;
}

/** What each question is answered with; what it means is known to whoever asked. */
export type Answer = ArrayBuffer | string | number | null;

export type Reply =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly reason: StoreError['reason']; readonly message: string };

/** What the worker says. `opened` or `refused` comes first. */
export type WorkerMessage =
  | { readonly type: 'opened' }
  | { readonly type: 'refused'; readonly reason: StoreOpenReason; readonly message: string }
  | { readonly type: 'replies'; readonly replies: readonly Reply[] }
  | { readonly type: 'notice'; readonly message: string };
