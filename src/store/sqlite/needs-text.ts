import type { TaskNeeds } from '../records.js';
import { refuse } from './values.js';

/** What a task needs, as it is kept: JSON text; null for a task that needs nothing. In it, true stands for all results. */
export function needsText(needs: TaskNeeds | undefined): string | null {
  if (needs === undefined) return null;
  const { taskIds, onFailed, inserts: named, met } = needs;
  const inserts = named.length === taskIds.length || (named.length > 0 && named);
  return JSON.stringify({ taskIds, onFailed, inserts, met });
}

/** What it stands for; undefined for null. */
export function readNeeds(text: string | null): TaskNeeds | undefined {
  if (text === null) return undefined;
  const needs: unknown = JSON.parse(text);
  if (typeof needs !== 'object' || needs === null) return refuse('needs', needs);
  const { taskIds, onFailed, inserts, met } = needs as Partial<Record<keyof TaskNeeds, unknown>>;
  if (!isTexts(taskIds)) return refuse('needs', needs);
  const named = inserts === true ? taskIds : inserts === false ? [] : inserts;
  if (!isTexts(named)) return refuse('needs', needs);
  const plain = { taskIds, onFailed: onFailed === 'skip' ? 'skip' : 'fail', inserts: named } as const;
  return met === true ? { ...plain, met } : plain;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
