import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** How long a Retry token may be used, in milliseconds: one handshake's time. */
const LIFETIME_MS = 15_000;
/** A key makes tokens this long, then serves only to read those still alive. */
const KEY_ROTATION_MS = 60_000;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Address-validation tokens for Retry packets (RFC 9000 §8.1.2, §8.1.4): the client's original destination
 * connection id and an expiry, sealed with AES-128-GCM and bound to the client's address and port and to the
 * connection id given in the Retry. Stateless but for two keys.
 */
export class RetryTokens {
  private current: { readonly key: Uint8Array; readonly since: number };
  private previous: Uint8Array | null = null;

  /** `now` in milliseconds, any epoch, the same clock in all calls. */
  constructor(now: number) {
    this.current = { key: randomBytes(16), since: now };
  }

  /** `originalDcid` is at most 20 bytes. */
  seal(address: string, retryScid: Uint8Array, originalDcid: Uint8Array, now: number): Uint8Array {
    this.rotate(now);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-128-gcm', this.current.key, nonce);
    cipher.setAAD(binding(address, retryScid));
    const plain = Buffer.alloc(8 + originalDcid.length);
    plain.writeDoubleBE(now + LIFETIME_MS);
    plain.set(originalDcid, 8);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** The original destination connection id, or null when the token is forged, expired or of another address. */
  open(token: Uint8Array, address: string, retryScid: Uint8Array, now: number): Uint8Array | null {
    if (token.length < NONCE_BYTES + 8 + TAG_BYTES || token.length > 128) return null;
    this.rotate(now);
    for (const key of [this.current.key, this.previous]) {
      const plain = key === null ? null : unseal(key, token, binding(address, retryScid));
      if (plain === null) continue;
      return plain.readDoubleBE(0) >= now ? new Uint8Array(plain.subarray(8)) : null;
    }
    return null;
  }

  private rotate(now: number): void {
    if (now - this.current.since < KEY_ROTATION_MS) return;
    this.previous = now - this.current.since < 2 * KEY_ROTATION_MS ? this.current.key : null;
    this.current = { key: randomBytes(16), since: now };
  }
}

function binding(address: string, retryScid: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(address), retryScid]);
}

function unseal(key: Uint8Array, token: Uint8Array, aad: Uint8Array): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-128-gcm', key, token.subarray(0, NONCE_BYTES));
    decipher.setAAD(aad);
    decipher.setAuthTag(token.subarray(token.length - TAG_BYTES));
    const body = decipher.update(token.subarray(NONCE_BYTES, token.length - TAG_BYTES));
    return Buffer.concat([body, decipher.final()]);
  } catch {
    // A tag that does not match is the normal answer to a forged token.
    return null;
  }
}
