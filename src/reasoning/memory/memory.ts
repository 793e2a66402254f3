import { boundedContext, type Context } from '../experience.js';
import { normalized } from '../unit-vector.js';
import { DIMENSIONS, embed } from './embedding.js';
import { boundedDraft, MAX_SOURCES, type MemoryDraft, type MemoryItem } from './item.js';
import { ExactIndex, type NearestIndex } from './nearest-index.js';

export interface MemoryOptions {
  readonly maxItems: number;
  /** Lessons of one kind and polarity with at least this cosine become one. */
  readonly mergeAbove: number;
  /** Unused for this long, an item is worth half. */
  readonly halfLifeMs: number;
  /** Worth less than this, it is forgotten. An experience, and a recall, are worth 1. */
  readonly forgetBelow: number;
  /** Least cosine of what is recalled. */
  readonly recallAbove: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_MEMORY: MemoryOptions = {
  maxItems: 10_000,
  mergeAbove: 0.95,
  halfLifeMs: 30 * DAY_MS,
  forgetBelow: 0.5,
  recallAbove: 0.5,
};

export interface Recalled {
  readonly item: MemoryItem;
  readonly similarity: number;
}

/** Says what of the memory has changed: an item as it is now, or null when it is forgotten. */
export type MemoryChanged = (memoryId: string, item: MemoryItem | null) => void;

/** Share of the items that go at once when there is no room, so that making room is rare. */
const ROOM_SHARE = 0.05;
/** Neighbours looked at for one to merge with. */
const MERGE_CANDIDATES = 8;
/** Neighbours looked at for each that is recalled. */
const RECALL_CANDIDATES = 4;

/** Lessons, found by likeness of circumstances; bounded, merged and aged. */
export class Memory {
  readonly #options: MemoryOptions;
  readonly #index: NearestIndex;
  readonly #items = new Map<string, MemoryItem>();
  /** How many there are of each kind. */
  readonly #byKind = new Map<string, number>();

  constructor(options: MemoryOptions = DEFAULT_MEMORY, index: NearestIndex = new ExactIndex(DIMENSIONS)) {
    this.#options = options;
    this.#index = index;
  }

  /** There is a lesson for this kind. */
  knows(kind: string): boolean {
    return this.#byKind.has(kind);
  }

  get size(): number {
    return this.#items.size;
  }

  get items(): Iterable<MemoryItem> {
    return this.#items.values();
  }

  /** Adds a lesson, or strengthens the one that says the same. */
  learn(draft: MemoryDraft, newId: () => string, now: number, changed: MemoryChanged): MemoryItem {
    const bounded = { ...boundedDraft(draft), context: boundedContext(draft.context) };
    const vector = embed(bounded.kind, bounded.context);
    const twin = this.#twin(bounded, vector);
    const item =
      twin === null
        ? {
            ...bounded,
            memoryId: newId(),
            evidence: draft.sources.length,
            createdAt: now,
            usedAt: now,
            uses: 0,
            vector: [...vector],
          }
        : merged(twin, bounded, draft.sources.length, vector, now);
    if (twin === null && this.#items.size >= this.#options.maxItems) this.#makeRoom(now, changed);
    this.#put(item);
    changed(item.memoryId, item);
    return item;
  }

  /** Lessons for a task of that kind and context: at most `count`, the most similar first. Using them keeps them young. */
  recall(
    kind: string,
    context: Context,
    count: number,
    now: number,
    changed: MemoryChanged,
  ): readonly Recalled[] {
    const recalled: Recalled[] = [];
    const query = embed(kind, boundedContext(context));
    // lessons of other kinds may lie between those of this one
    for (const { id, similarity } of this.#index.search(query, RECALL_CANDIDATES * count)) {
      if (recalled.length === count) break;
      const item = this.#items.get(id);
      if (item?.kind !== kind || similarity < this.#options.recallAbove) continue;
      const used = { ...item, uses: item.uses + 1, usedAt: Math.max(now, item.usedAt) };
      this.#items.set(id, used);
      changed(id, used);
      recalled.push({ item: used, similarity });
    }
    return recalled;
  }

  /** Forgets what is no longer worth keeping. O(items). */
  age(now: number, changed: MemoryChanged): void {
    for (const item of [...this.#items.values()]) {
      if (this.#worth(item, now) < this.#options.forgetBelow) this.#forget(item.memoryId, changed);
    }
  }

  /** Takes up a record; null forgets. */
  restore(memoryId: string, item: MemoryItem | null): void {
    if (item !== null) this.#put(item);
    else this.#forget(memoryId, () => undefined);
  }

  #put(item: MemoryItem): void {
    if (!this.#items.has(item.memoryId)) this.#byKind.set(item.kind, (this.#byKind.get(item.kind) ?? 0) + 1);
    this.#items.set(item.memoryId, item);
    this.#index.set(item.memoryId, Float32Array.from(item.vector));
  }

  #forget(memoryId: string, changed: MemoryChanged): void {
    const item = this.#items.get(memoryId);
    if (item !== undefined) {
      const left = (this.#byKind.get(item.kind) ?? 1) - 1;
      if (left === 0) this.#byKind.delete(item.kind);
      else this.#byKind.set(item.kind, left);
    }
    this.#items.delete(memoryId);
    this.#index.delete(memoryId);
    changed(memoryId, null);
  }

  #twin(draft: MemoryDraft, vector: Float32Array): MemoryItem | null {
    for (const { id, similarity } of this.#index.search(vector, MERGE_CANDIDATES)) {
      if (similarity < this.#options.mergeAbove) return null;
      const item = this.#items.get(id);
      if (item?.kind === draft.kind && item.learnedFrom === draft.learnedFrom) return item;
    }
    return null;
  }

  #worth({ evidence, uses, usedAt }: MemoryItem, now: number): number {
    return (evidence + uses) * 2 ** (-Math.max(0, now - usedAt) / this.#options.halfLifeMs);
  }

  #makeRoom(now: number, changed: MemoryChanged): void {
    const byWorth = [...this.#items.values()]
      .map((item) => ({ id: item.memoryId, worth: this.#worth(item, now) }))
      .sort((a, b) => a.worth - b.worth);
    const count = Math.max(1, Math.floor(this.#options.maxItems * ROOM_SHARE));
    for (const { id } of byWorth.slice(0, count)) this.#forget(id, changed);
  }
}

/** The newer text, which speaks from more experience; the vector between both, weighted by their evidence. */
function merged(
  item: MemoryItem,
  draft: MemoryDraft,
  evidence: number,
  vector: Float32Array,
  now: number,
): MemoryItem {
  const known = item.sources.filter((source) => !draft.sources.includes(source));
  const repeated = item.sources.length - known.length;
  const added = Math.max(0, evidence - repeated);
  const total = item.evidence + added;
  const between = Float32Array.from(
    item.vector,
    (value, i) => value * item.evidence + (vector[i] ?? 0) * added,
  );
  return {
    ...item,
    title: draft.title,
    description: draft.description,
    content: draft.content,
    context: draft.context,
    sources: [...known, ...draft.sources].slice(-MAX_SOURCES),
    evidence: total,
    usedAt: Math.max(now, item.usedAt),
    vector: [...normalized(between)],
  };
}
