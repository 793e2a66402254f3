/** QUIC behind the interface of `transport.ts`: what the command layer passes to coordinator, agent and client. */
export { parseAddress, type Address } from './address.js';
export { ListenError, UnsupportedPlatformError } from './errors.js';
export {
  createQuicConnector,
  type ClientTls,
  type QuicConnector,
  type QuicConnectorOptions,
} from './quic-connector.js';
export {
  listenQuic,
  type DropReason,
  type EarlyCounters,
  type QuicListener,
  type QuicListenerOptions,
} from './quic-listener.js';
export { memorySessionCache, type SessionCache, type TicketStorage } from './session-cache.js';
export { DEFAULT_SETTINGS, type TransportSettings, type UdpPayload } from './settings.js';
export { RESET_KEY_BYTES, TICKET_KEY_BYTES } from './transport.js';
export type * from './transport.js';
