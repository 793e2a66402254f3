import { cutText } from '../../protocol/errors.js';
import type { Context } from '../experience.js';

/** A lesson, as a distiller gives it: title, description and content as in the ReasoningBank paper (arXiv 2509.25140). */
export interface MemoryDraft {
  /** A few words that name the lesson. */
  readonly title: string;
  /** One sentence. */
  readonly description: string;
  /** What to do or to avoid, and why. */
  readonly content: string;
  readonly kind: string;
  /** What it was learned from: something that went well, or that did not. */
  readonly learnedFrom: 'success' | 'failure';
  /** The circumstances it holds for. */
  readonly context: Context;
  /** Experiences it was distilled from. */
  readonly sources: readonly string[];
}

/** Plain values. */
export interface MemoryItem extends MemoryDraft {
  readonly memoryId: string;
  /** Experiences in all, also those no longer among `sources`. */
  readonly evidence: number;
  readonly createdAt: number;
  /** When it was last recalled or confirmed. */
  readonly usedAt: number;
  /** Times it was recalled. */
  readonly uses: number;
  /** Of the circumstances; norm 1. */
  readonly vector: readonly number[];
}

/** Lengths in UTF-16 code units; longer ones are cut. */
const MAX_TITLE = 128;
const MAX_DESCRIPTION = 512;
const MAX_CONTENT = 4_096;
export const MAX_SOURCES = 32;

/** A draft within bounds. */
export function boundedDraft(draft: MemoryDraft): MemoryDraft {
  return {
    title: cutText(draft.title, MAX_TITLE),
    description: cutText(draft.description, MAX_DESCRIPTION),
    content: cutText(draft.content, MAX_CONTENT),
    kind: draft.kind.slice(0, 64),
    learnedFrom: draft.learnedFrom,
    context: draft.context,
    sources: draft.sources.slice(-MAX_SOURCES),
  };
}
