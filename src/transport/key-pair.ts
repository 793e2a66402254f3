import { createPrivateKey, X509Certificate } from 'node:crypto';

/**
 * Throws when `key` is not the private key of the first certificate in `cert` (both PEM). The native library would
 * accept them and then fail every handshake.
 */
export function assertKeyPair(cert: string, key: string): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('the private key does not belong to the certificate');
  }
}
