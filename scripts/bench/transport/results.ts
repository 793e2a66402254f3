import type { Latency } from '../lib/statistics.js';

export const ECHO_PEERS = ['quic', 'udp', 'tls', 'ws', 'grpc'] as const;
export type EchoPeer = (typeof ECHO_PEERS)[number];

export interface EchoResult extends Record<EchoPeer, Latency> {
  /** The way of calling that `grpc` reports: the one with the lower p99. */
  readonly grpcMode: 'unary' | 'bidi';
  readonly grpcUnary: Latency;
  readonly grpcBidi: Latency;
  /** `quic` without busy polling: both sides sleep until a message comes, as those of the others do. */
  readonly quicAsleep: Latency;
  /** Client and servers ran on cores of their own; false where the system offers no way to say so. */
  readonly separateCores: boolean;
}

/** Gbit/s of payload that arrived, medians over the rounds. TLS has no datagrams: its figure is the same in both. */
export interface Throughput {
  readonly quicGbps: number;
  readonly tlsGbps: number;
  readonly udpGbps: number;
}

export interface ManyStreamsResult {
  /** Answered messages: one is a message there and its reply back. Median over the rounds. */
  readonly messagesPerSecond: number;
  /** The same counted in each direction: twice as many. */
  readonly bothDirectionsPerSecond: number;
  /** Wrong replies, replies that never came, streams that broke; sum over the rounds. */
  readonly errors: number;
}

/** From the call of connect to the first byte of a reply; medians. */
export interface ConnectResult {
  /** Of a bare UDP datagram over the same path. */
  readonly rttMs: number;
  readonly fullMs: number;
  readonly resumedMs: number;
  readonly fullRtts: number;
  readonly resumedRtts: number;
}

/** What one run measured; a section that was left out is missing. */
export interface Results {
  readonly echo?: EchoResult;
  readonly stream?: { readonly auto: Throughput; readonly mtu1350: Throughput };
  readonly streams1000?: ManyStreamsResult;
  readonly connect?: ConnectResult;
  readonly submit?: Latency;
}
