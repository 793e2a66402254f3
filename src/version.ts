import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Version of this package, from the package.json above this file (dist/ or a test build). */
export const VERSION: string = readVersion(dirname(fileURLToPath(import.meta.url)));

function readVersion(directory: string): string {
  const file = join(directory, 'package.json');
  const found: unknown = existsSync(file) ? createRequire(import.meta.url)(file) : null;
  if (
    typeof found === 'object' &&
    found !== null &&
    'version' in found &&
    typeof found.version === 'string'
  ) {
    return found.version;
  }
  const parent = dirname(directory);
  if (parent === directory)
    throw new Error('package.json of quic-swarm is missing: install the package again');
  return readVersion(parent);
}
