import { ProtocolError } from './errors.js';
import { PROTOCOL_VERSIONS } from './limits.js';

/**
 * The best version that both sides speak: the first of `ours` (best first) that `offered` holds.
 * @throws ProtocolError UNSUPPORTED_VERSION that names both lists.
 */
export function negotiateVersion(
  offered: readonly number[],
  ours: readonly number[] = PROTOCOL_VERSIONS,
): number {
  const common = ours.find((version) => offered.includes(version));
  if (common !== undefined) return common;
  throw new ProtocolError(
    'UNSUPPORTED_VERSION',
    `no common protocol version: offered ${offered.join(', ')}; spoken here ${ours.join(', ')}. ` +
      `Update the ${Math.max(...offered) < Math.max(...ours) ? 'agent or client' : 'coordinator'}.`,
    { field: '/protocolVersions' },
  );
}
