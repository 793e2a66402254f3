import type { ReadyCheck } from '../../observe/coordinator-view.js';
import type { CoreState } from '../core/state.js';

/** What a coordinator needs to take tasks, and whether it has it. `core`: null while it does not run. */
export function readiness(core: Pick<CoreState, 'store' | 'operation'> | null): readonly ReadyCheck[] {
  if (core === null)
    return [no('store', 'not open'), no('socket', 'not bound'), no('accepting', 'not running')];
  const { store, operation } = core;
  return [
    store.state === 'up' ? yes('store') : no('store', store.reason),
    yes('socket'),
    operation.state === 'running' ? yes('accepting') : no('accepting', 'draining'),
  ];
}

const yes = (name: string): ReadyCheck => ({ name, ok: true });
const no = (name: string, reason: string): ReadyCheck => ({ name, ok: false, reason });
