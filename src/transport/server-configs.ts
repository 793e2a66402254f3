import { createHmac, randomBytes } from 'node:crypto';
import { makeConfig, type NativeConfig } from './native.js';
import type { QuicListenerOptions, ServerIdentity } from './quic-listener.js';
import { datagramBytes, withDefaults } from './settings.js';
import { TICKET_KEY_BYTES } from './transport.js';

/** One native configuration for each datagram size, all with one ticket key: that is what makes resumption work. */
export class ServerConfigs {
  private readonly bySize = new Map<number, NativeConfig>();
  private ticketKey: Uint8Array;
  private tls: QuicListenerOptions['tls'];

  constructor(
    private readonly options: QuicListenerOptions,
    private readonly logKeys: boolean,
  ) {
    this.tls = options.tls;
    this.ticketKey = checked(options.tls.ticketKey ?? randomBytes(TICKET_KEY_BYTES));
    this.prepare();
  }

  /** For connections to come: those that live hold on to the configuration they began with. */
  setTicketKey(key: Uint8Array): void {
    this.ticketKey = checked(key);
    this.bySize.clear();
  }

  setIdentity(identity: ServerIdentity): void {
    const before = this.tls;
    const made = new Map(this.bySize);
    this.tls = { ...before, ...identity };
    this.bySize.clear();
    try {
      this.prepare();
    } catch (error) {
      this.tls = before;
      for (const [size, config] of made) this.bySize.set(size, config);
      throw error;
    }
  }

  /** Makes the configuration that is needed in any case: what is wrong with it shows at once. */
  private prepare(): void {
    this.forSize(datagramBytes(withDefaults(this.options).udpPayload, this.options.host));
  }

  forSize(udpPayloadBytes: number): NativeConfig {
    let config = this.bySize.get(udpPayloadBytes);
    if (config === undefined) {
      const { tls } = this;
      config = makeConfig({
        ...withDefaults(this.options),
        role: 'server',
        verifyPeer: tls.requireClientCert ?? false,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        key: tls.key,
        cert: tls.cert,
        ticketKey: ticketKeyFor(this.ticketKey, tls),
        earlyData: tls.earlyData ?? false,
        logKeys: this.logKeys,
        udpPayloadBytes,
      });
      this.bySize.set(udpPayloadBytes, config);
    }
    return config;
  }
}

/**
 * Who resumes shows no certificate again: a ticket stands for the authorities that had let its owner in, and must be worth
 * nothing once others are believed.
 */
function ticketKeyFor(key: Uint8Array, { ca, requireClientCert }: QuicListenerOptions['tls']): Uint8Array {
  if (requireClientCert !== true || ca === undefined) return key;
  return createHmac('sha512', key).update(ca).digest().subarray(0, TICKET_KEY_BYTES);
}

function checked(ticketKey: Uint8Array): Uint8Array {
  if (ticketKey.length === TICKET_KEY_BYTES) return Uint8Array.from(ticketKey);
  throw new RangeError(
    `a ticket key has ${String(TICKET_KEY_BYTES)} bytes, this one ${String(ticketKey.length)}`,
  );
}
