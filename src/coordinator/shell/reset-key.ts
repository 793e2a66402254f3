import { randomBytes } from 'node:crypto';
import type { Log } from '../../observe/log.js';
import type { Store } from '../../store/store.js';
import { RESET_KEY_BYTES } from '../../transport/transport.js';
import { readCollection } from './take-up.js';

const KEY = 'stateless-reset';

/**
 * The key of stateless resets: that of the store, made on first use, so that agents learn from a coordinator that was killed and
 * started again that their connection is gone. One that cannot be stored serves for this process alone.
 */
export async function takeUpResetKey(
  store: Pick<Store, 'readEntries' | 'commit'>,
  log: Log,
): Promise<Uint8Array> {
  const stored = (await readCollection(store, 'secret')).find(({ key }) => key === KEY);
  if (stored?.value.length === RESET_KEY_BYTES) return stored.value;
  const value = randomBytes(RESET_KEY_BYTES);
  try {
    await store.commit([{ op: 'put-entry', entry: { collection: 'secret', key: KEY, value } }]);
  } catch (err) {
    log.warn({ err }, 'the key of stateless resets could not be stored: after a crash agents notice later');
  }
  return value;
}
