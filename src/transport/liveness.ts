/** So many datagrams without any answer, for `pathTimeoutMs`: the path or the peer is gone. */
const UNANSWERED_DATAGRAMS = 4;
/** So many refusals by the peer's system (ICMP port unreachable) in a row: nobody is there any more. */
const REFUSALS = 3;

export interface LivenessRules {
  /** PING when nothing was sent for this long; 0: never. */
  readonly keepAliveMs: number;
  readonly handshakeTimeoutMs: number;
  readonly pathTimeoutMs: number;
}

export type LivenessVerdict =
  { readonly type: 'fine' } | { readonly type: 'ping' } | { readonly type: 'gone'; readonly reason: string };

const FINE: LivenessVerdict = { type: 'fine' };

/**
 * Whether the peer is still there, from what was sent and heard. QUIC's own idle timer takes minutes; a dead peer
 * shows sooner: several datagrams in a row (data, PINGs, probes; a lone acknowledgement is none of these) stay
 * unanswered, or its system says that nobody listens. Times are milliseconds of any one clock.
 */
export class Liveness {
  private lastSentAt: number;
  private readonly handshakeDeadline: number;
  private established = false;
  private heard = false;
  private unanswered = 0;
  private unansweredSince = 0;
  private refusals = 0;

  constructor(
    private readonly rules: LivenessRules,
    now: number,
  ) {
    this.lastSentAt = now;
    this.handshakeDeadline = now + rules.handshakeTimeoutMs;
  }

  handshakeComplete(): void {
    this.established = true;
  }

  /** @param datagrams at least 1 */
  sent(now: number, datagrams: number): void {
    this.lastSentAt = now;
    const before = this.unanswered;
    this.unanswered += datagrams;
    // Counted from the datagram that makes it suspicious: an acknowledgement of long ago may have gone before it.
    if (before < UNANSWERED_DATAGRAMS && this.unanswered >= UNANSWERED_DATAGRAMS) this.unansweredSince = now;
  }

  received(): void {
    this.heard = true;
    this.unanswered = 0;
    this.refusals = 0;
  }

  /** The peer's system refused a datagram. True when that is to be believed: nothing else is heard. */
  refused(): boolean {
    this.refusals++;
    return this.established ? this.refusals >= REFUSALS : !this.heard;
  }

  /** When to ask `check` next. */
  nextCheck(): number {
    if (!this.established) return this.handshakeDeadline;
    const { keepAliveMs, pathTimeoutMs } = this.rules;
    const ping = keepAliveMs > 0 ? this.lastSentAt + keepAliveMs : Infinity;
    return this.unanswered < UNANSWERED_DATAGRAMS
      ? ping
      : Math.min(ping, this.unansweredSince + pathTimeoutMs);
  }

  check(now: number): LivenessVerdict {
    if (!this.established) {
      if (now < this.handshakeDeadline) return FINE;
      return { type: 'gone', reason: this.heard ? 'the handshake did not complete in time' : 'no answer' };
    }
    const { keepAliveMs, pathTimeoutMs } = this.rules;
    const silence = now - this.unansweredSince;
    if (this.unanswered >= UNANSWERED_DATAGRAMS && silence >= pathTimeoutMs) {
      return { type: 'gone', reason: `the peer answered nothing for ${String(Math.round(silence))} ms` };
    }
    return keepAliveMs > 0 && now >= this.lastSentAt + keepAliveMs ? { type: 'ping' } : FINE;
  }
}
