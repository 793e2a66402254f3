/**
 * What the layers above know of the transport: connections, streams and how they end.
 * Nothing in here is QUIC's native binding; tests put an in-memory pair behind the same interface.
 */

/** Who ended a connection, and on which layer. */
export interface CloseInfo {
  /** `local`: this side called close; `peer`: the other side did; `timeout`: nothing heard for the idle timeout. */
  readonly by: 'local' | 'peer' | 'timeout';
  /** `application`: a code of the protocol; `transport`: RFC 9000 §20.1; `tls`: an alert of RFC 8446 §6 (code minus 0x100). */
  readonly layer: 'application' | 'transport' | 'tls';
  readonly code: number;
  /** UTF-8 text of at most 1 KiB; may be empty. Comes from the peer when `by` is `peer`: print, never parse. */
  readonly reason: string;
}

/** A snapshot of one connection's counters. Times in milliseconds, sizes in bytes. */
export interface ConnectionStats {
  readonly rttMs: number;
  readonly congestionWindowBytes: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly bytesLost: number;
  readonly streamsOpen: number;
  readonly streamsOpened: number;
  readonly datagramSize: number;
  /** The TLS session was resumed from a ticket. */
  readonly resumed: boolean;
  /** This side sent (client) or received (server) application data before the handshake was complete. */
  readonly earlyData: boolean;
}

/**
 * What a stream tells its user. Every call is made from the connection's own turn; a handler may call any
 * method of the stream inside. An exception thrown by a handler closes the connection with INTERNAL_ERROR.
 */
export interface StreamHandler {
  /**
   * `bytes` is a view into a shared buffer, valid only during the call: copy what must outlive it. On the server side
   * what is handed over while the connection is `handshaking` is early data: see `ConnectionState`.
   */
  onData(bytes: Uint8Array): void;
  /** The peer finished its sending side; no more data follows. */
  onEnd(): void;
  /** The peer abandoned its sending side (RESET_STREAM); data in flight is lost. */
  onReset(code: number): void;
  /** The peer no longer reads (STOP_SENDING); what is written from now on is dropped. */
  onStopped(code: number): void;
  /** `bufferedBytes` fell under the low-water mark after a `write` returned false. */
  onDrain(): void;
  /** Both directions are over, or the connection is gone. Always the last call, exactly once. */
  onClosed(): void;
}

/** One bidirectional stream: bytes in order, flow control, reset. */
export interface TransportStream {
  readonly id: number;
  /** True when this side opened the stream. */
  readonly local: boolean;
  /** Bytes accepted by `write` that the transport could not hand to the network yet. */
  readonly bufferedBytes: number;
  setHandler(handler: StreamHandler): void;
  /**
   * Queues a copy of `bytes`; they leave at the end of this turn of the event loop, together with all else
   * that was written to the stream in it. Returns false when `bufferedBytes` is over the high-water mark:
   * wait for `onDrain`. Writing after `end`, `reset` or a lost connection does nothing and returns false.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Like `write`, for what nobody waits for: it leaves with the next thing on its stream that somebody does, or in a few
   * milliseconds. Spares a datagram, and the peer being woken for it.
   */
  writeLater(bytes: Uint8Array): boolean;
  /** Sends FIN after all that was written. */
  end(): void;
  /** Abandons the sending side (RESET_STREAM) with an application error code (0 to 2^62-1); drops what is buffered. */
  reset(code: number): void;
  /**
   * Asks the peer to stop sending (STOP_SENDING); data that still arrives is dropped. The native side does not repeat
   * it when its datagram is lost: where the peer must learn of it, `reset` as well.
   */
  stop(code: number): void;
  /** Stops reading: flow control then stops the peer. At most one stream window stays in memory. */
  pause(): void;
  resume(): void;
  /** `urgency` 0 (first) to 7 (last), RFC 9218 §4.1; incremental streams of one urgency share, others go one after another. */
  setPriority(urgency: number, incremental: boolean): void;
}

/** Whom a connection tells what happens to it. */
export interface ConnectionHandler {
  /** The handshake is complete: the peer's certificate has been checked. Before it a client may only send early data. */
  onEstablished(): void;
  /**
   * The peer opened a stream; set its handler before returning. `early`: its first bytes are 0-RTT data of a handshake
   * that is not complete, and the call comes before `onEstablished`.
   */
  onStream(stream: TransportStream, early: boolean): void;
  /** The connection is over. Always the last call, exactly once, after every stream's `onClosed`. */
  onClosed(info: CloseInfo): void;
}

/**
 * On the server side, data handed over while a connection is `handshaking` is early (0-RTT) data: whoever recorded it
 * may send it again, any number of times. What is handed over once it is `established` is not, even if it travelled in
 * 0-RTT packets: the peer that completed this handshake has sent it, and it is delivered once (RFC 8470 §3).
 */
export type ConnectionState = 'handshaking' | 'established' | 'closing' | 'closed';

/** One connection to a peer. */
export interface TransportConnection {
  /** Unique in this process; for logs. */
  readonly id: string;
  readonly state: ConnectionState;
  /** `HOST:PORT`, IPv6 in brackets. */
  readonly remoteAddress: string;
  /** Milliseconds since a datagram of the peer last arrived; since the start of the connection when none has. */
  readonly silentMs: number;
  setHandler(handler: ConnectionHandler): void;
  /** Opens a bidirectional stream. Over the peer's stream limit, writes wait until the peer grants more. */
  openStream(handler: StreamHandler): TransportStream;
  /**
   * Closes with an application code and a reason (cut to 1 KiB) that the peer sees, at the end of this turn: what was
   * written before leaves first as far as the congestion window allows, none of it is sent again. Idempotent.
   */
  close(code: number, reason: string): void;
  stats(): ConnectionStats;
  /** The peer's leaf certificate, or null when it sent none. */
  peerCertificate(): PeerCertificate | null;
}

/** What the certificate of the peer says, once it was checked. */
export interface PeerCertificate {
  /** SHA-256 of the DER form, lower-case hex without colons. */
  readonly fingerprint: string;
  readonly subject: string;
}

/**
 * Server side: hands over each new connection before any of its data is read. Nobody is answered before `onConnection`
 * has been called.
 */
export interface TransportListener {
  /** `HOST:PORT` actually bound. */
  readonly address: string;
  /** Who takes new connections; called once. */
  onConnection(accept: (connection: TransportConnection) => void): void;
  /**
   * Calls `hook` after all that arrived in one turn of the event loop was handed over, and before anything is sent:
   * what it writes leaves in the same turn. At most one hook; it must not throw.
   */
  onTurn(hook: () => void): void;
  /**
   * The key of TLS session tickets from now on: TICKET_KEY_BYTES random bytes. With a key kept from before, sessions of
   * an earlier process are resumed. One key is valid at a time (BoringSSL's `SSL_CTX_set_tlsext_ticket_keys` takes one),
   * so a change costs each peer that holds an older ticket one full handshake at its next connection: one more round
   * trip and a certificate's signature. Connections that live notice nothing. Absent where there are no tickets.
   */
  setTicketKey?(key: Uint8Array): void;
  /**
   * The key of stateless resets, for connections to come: RESET_KEY_BYTES random bytes. With a key kept from before,
   * peers of an earlier process learn at their next packet that their connection is gone. Random when never set. Absent
   * where connections end with the process that has them.
   */
  setResetKey?(key: Uint8Array): void;
  /** Accepts no new connections; those that live go on. */
  stopAccepting(): void;
  /** Closes every connection with this code and reason, then the socket; resolves when all is released. */
  close(code: number, reason: string): Promise<void>;
}

/** Length of a key of TLS session tickets: name, HMAC key and AES key, 16 bytes each. */
export const TICKET_KEY_BYTES = 48;

/** Bytes of the key of stateless resets. */
export const RESET_KEY_BYTES = 32;

/** Client side: one attempt to reach one address. Never throws; a failure ends in `onClosed`. */
export type TransportConnector = (address: string) => TransportConnection;
