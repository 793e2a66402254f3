import { decodeValue } from '../../../protocol/value.js';
import { TaskInputError } from '../../../tasks/kind.js';
import { taskKinds } from '../../../tasks/registry.js';
import type { Admission } from '../contract.js';

const ADMITTED: Admission = { ok: true };

/** Decodes an input once, to see that its kind can work with it. The task keeps the bytes it came with. */
export function admitTask(kind: string, payload: Uint8Array): Admission {
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
    return known.contextOf === undefined ? ADMITTED : { ok: true, context: known.contextOf(input) };
  } catch (error) {
    if (error instanceof TaskInputError) {
      return { ok: false, name: 'BAD_INPUT', message: error.message, field: error.path };
    }
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, name: 'BAD_INPUT', message: `the input cannot be read: ${why}` };
  }
}
