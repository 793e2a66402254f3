import type { TaskNeeds, TaskSpec } from '../records.js';
import { refuse } from './values.js';

/** What a task needs, as it is kept: JSON text; null for a task that needs nothing. */
export function needsText(needs: TaskNeeds | undefined): string | null {
  if (needs === undefined) return null;
  const { taskIds, onFailed, inserts } = needs;
  return JSON.stringify({ taskIds, onFailed, inserts });
}

/** The part of a spec that it stands for. */
export function readNeeds(text: string | null): Pick<TaskSpec, 'needs'> {
  if (text === null) return {};
  const needs: unknown = JSON.parse(text);
  if (typeof needs !== 'object' || needs === null) return refuse('needs', needs);
  const { taskIds, onFailed, inserts } = needs as Partial<Record<keyof TaskNeeds, unknown>>;
  if (!isTexts(taskIds) || typeof inserts !== 'boolean') return refuse('needs', needs);
  return { needs: { taskIds, onFailed: onFailed === 'skip' ? 'skip' : 'fail', inserts } };
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
