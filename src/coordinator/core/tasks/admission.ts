import { decodeValue } from '../../../protocol/value.js';
import { TaskInputError, type TaskKind } from '../../../tasks/kind.js';
import { shapeOf } from '../../../reasoning/patterns/shape.js';
import { taskKinds } from '../../../tasks/registry.js';
import type { Admission } from '../contract.js';

const ADMITTED: Admission = { ok: true };

/**
 * Decodes an input once, to see that its kind can work with it. The task keeps the bytes it came with. `patterns`: they are
 * kept, so the shape of what it looks for is wanted.
 */
export function admitTask(kind: string, payload: Uint8Array, patterns = false): Admission {
  const known = taskKinds.get(kind);
  if (known === undefined) {
    const names = [...taskKinds.keys()].join(', ');
    return {
      ok: false,
      name: 'UNKNOWN_KIND',
      message: `no kind '${kind}': built in are ${names}; others exist while an agent offers them with --handlers`,
    };
  }
  try {
    const input = known.parseInput(decodeValue(payload));
    if (known.contextOf === undefined) return ADMITTED;
    const pattern = patterns ? patternOf(known, input) : null;
    return { ok: true, context: known.contextOf(input), ...(pattern === null ? {} : { pattern }) };
  } catch (error) {
    if (error instanceof TaskInputError) {
      return { ok: false, name: 'BAD_INPUT', message: error.message, field: error.path };
    }
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, name: 'BAD_INPUT', message: `the input cannot be read: ${why}` };
  }
}

function patternOf(kind: TaskKind, input: unknown): { vector: Float32Array; points: number } | null {
  const series = kind.patternOf?.(input) ?? null;
  const vector = series === null ? null : shapeOf(series);
  return series === null || vector === null ? null : { vector, points: series.length };
}
