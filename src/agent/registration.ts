import { randomBytes } from 'node:crypto';
import { explainClose } from '../protocol/close-words.js';
import { ERRORS } from '../protocol/errors.js';
import { MAX_CONCURRENCY, PROTOCOL_VERSIONS, type RecycleLimits } from '../protocol/limits.js';
import type { Lease, Message, MessageOf } from '../protocol/messages.js';
import { kindsOfAgent } from '../tasks/registry.js';
import type { CloseInfo, TransportConnection } from '../transport/transport.js';
import { AgentConnection, type ConnectionListener } from './agent-connection.js';
import type { AgentOptions } from './agent-options.js';

/** What a connection tells from its beginning on. `message` tells only what comes after AgentAck. */
export interface RegistrationListener extends ConnectionListener {
  /** AgentAck has come. */
  accepted(ack: MessageOf<'AgentAck'>): void;
  /** The handshake is wanted once more; told once. */
  earlyDataRefused(): void;
  /** The coordinator refuses the agent for now, and said until when; `closed` follows. */
  retryAfter(retryAfterMs: number): void;
  /** Something came that has no meaning before AgentAck. */
  ignored(message: Message): void;
}

/** One connection to a coordinator and its handshake: what comes before AgentAck is judged here. */
export class Registration {
  readonly connection: AgentConnection;
  readonly #listener: RegistrationListener;
  /** Tasks whose streams were faster than AgentAck. */
  #early: (() => void)[] = [];
  #step: 'waiting' | 'asked-again' | 'accepted' = 'waiting';

  constructor(
    readonly address: string,
    transport: TransportConnection,
    listener: RegistrationListener,
    nextOrigin: () => number,
    limits: RecycleLimits,
  ) {
    this.#listener = listener;
    this.connection = new AgentConnection(
      transport,
      {
        established: () => listener.established(),
        message: (message, payload, origin) => {
          if (this.#step === 'accepted') listener.message(message, payload, origin);
          else this.#receiveFirst(message, payload, origin);
        },
        taskReset: (task) => listener.taskReset(task),
        usedUp: () => listener.usedUp(),
        closed: (info) => listener.closed(info),
      },
      nextOrigin,
      limits,
    );
  }

  #receiveFirst(message: Message, payload: Uint8Array | null, origin: number): void {
    switch (message.type) {
      case 'AgentTask':
        if (this.#early.length === MAX_CONCURRENCY) return;
        // A copy: the view ends with this call.
        this.#keep(message, payload === null ? null : Uint8Array.from(payload), origin);
        return;
      case 'AgentAck':
        this.#accept(message);
        return;
      case 'ErrorReport':
        this.#refused(message);
        return;
      default:
        this.#listener.ignored(message);
        return;
    }
  }

  #accept(ack: MessageOf<'AgentAck'>): void {
    if (PROTOCOL_VERSIONS.some((version) => version === ack.protocolVersion)) {
      this.#step = 'accepted';
      this.#listener.accepted(ack);
      for (const tell of this.#early.splice(0)) tell();
      return;
    }
    const reason = `the coordinator chose protocol version ${ack.protocolVersion}; offered ${PROTOCOL_VERSIONS.join(', ')}`;
    this.#fail({ by: 'local', layer: 'application', code: ERRORS.UNSUPPORTED_VERSION.code, reason });
  }

  #keep(message: MessageOf<'AgentTask'>, payload: Uint8Array | null, origin: number): void {
    this.#early.push(() => this.#listener.message(message, payload, origin));
  }

  #refused(report: MessageOf<'ErrorReport'>): void {
    const { code, message: reason, retryAfterMs } = report;
    if (code === ERRORS.EARLY_DATA_REFUSED.code && this.#step === 'waiting') {
      this.#step = 'asked-again';
      this.#listener.earlyDataRefused();
      return;
    }
    if (retryAfterMs !== undefined) this.#listener.retryAfter(retryAfterMs);
    this.#fail({ by: 'peer', layer: 'application', code, reason });
  }

  #fail(info: CloseInfo): void {
    this.#early = [];
    this.connection.close(ERRORS.NO_ERROR.code, explainClose(info).text);
    this.#listener.closed(info);
  }
}

/**
 * What an agent says of itself. `early`: with a nonce, since whoever records early data may send it again.
 * Leases are named whenever there are some: those that the coordinator does not know it has aborted.
 */
export function agentHandshake(
  options: AgentOptions,
  sessionToken: string | null,
  leases: readonly Lease[],
  early: boolean,
): MessageOf<'AgentHandshake'> {
  const { agentId, agentType, concurrency, joinToken, runner } = options;
  return {
    type: 'AgentHandshake',
    protocolVersions: [...PROTOCOL_VERSIONS],
    agentId,
    agentType,
    kinds: [...new Set(options.kinds ?? [...kindsOfAgent(agentType), ...runner.ownKinds])],
    concurrency,
    software: options.software ?? 'quic-swarm',
    ...(joinToken === undefined
      ? {}
      : { joinToken: typeof joinToken === 'string' ? joinToken : joinToken() }),
    ...(sessionToken === null ? {} : { sessionToken }),
    ...(sessionToken === null && leases.length === 0 ? {} : { leases: [...leases] }),
    ...(early ? { nonce: randomBytes(16).toString('base64url') } : {}),
  };
}
