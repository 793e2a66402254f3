import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Transfer = (this: ArrayBuffer, byteLength: number) => ArrayBuffer;

const transfer = findTransfer();

/**
 * `ArrayBuffer.prototype.transfer` (ECMAScript 2024). Node 20 has it behind a flag of V8's, which a context heeds when it
 * is made; the method then serves buffers of every context.
 */
function findTransfer(): Transfer | null {
  const own: unknown = Reflect.get(ArrayBuffer.prototype, 'transfer');
  if (isTransfer(own)) return own;
  setFlagsFromString('--harmony-rab-gsab-transfer');
  const found: unknown = runInNewContext('ArrayBuffer.prototype.transfer');
  setFlagsFromString('--no-harmony-rab-gsab-transfer');
  return isTransfer(found) ? found : null;
}

function isTransfer(value: unknown): value is Transfer {
  return typeof value === 'function';
}

/**
 * Gives the memory behind `bytes` back at once, instead of when garbage is next collected, if they are alone in their
 * buffer: nothing is left of them then. Memory outside the heap counts towards a full collection: with 16 kB in each
 * datagram one began every 64 MB, forty times a second, and took as much of the processor as receiving did.
 */
export function freeMemory(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (byteLength === 0 || buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer)) return;
  transfer?.call(buffer, 0);
}
