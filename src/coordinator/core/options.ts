import {
  DEFAULT_MAX_MESSAGE_BYTES,
  HANDSHAKE_TIMEOUT_MS,
  OWN_STREAM_THRESHOLD_BYTES,
} from '../../protocol/limits.js';
import type { CoreOptions } from './contract.js';
import { DEFAULT_AGEING } from './tasks/ready-queue.js';
import { leastLoaded } from './tasks/routing.js';
import { DEFAULT_CACHE } from './tasks/task-book.js';

/** What a coordinator does when nothing else is said; the command line's defaults are these. */
export const DEFAULT_CORE_OPTIONS: Omit<CoreOptions, 'coordinatorId' | 'builtInKinds'> = {
  heartbeatIntervalMs: 10_000,
  sessionGraceMs: 60_000,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  taskTimeoutMs: 300_000,
  stopGraceMs: 10_000,
  maxAgents: 10_000,
  clientsMayStop: false,
  logLevelMayChange: false,
  maxQueue: 1_000_000,
  maxQueueBytes: 4 * 1024 * 1024 * 1024,
  maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
  ownStreamThresholdBytes: OWN_STREAM_THRESHOLD_BYTES,
  retry: { baseMs: 500, maxMs: 60_000 },
  commitHoldMs: 0,
  fullCommitEntries: 192,
  storeRetryMs: 1_000,
  ageing: DEFAULT_AGEING,
  cache: DEFAULT_CACHE,
  routing: leastLoaded,
  idempotencyWindowMs: 24 * 3_600_000,
  inputCacheBytes: 64 * 1024 * 1024,
  maxBacklogBytes: 64 * 1024 * 1024,
  kindLimits: new Map(),
  agentAdmission: { perSecond: 500, burst: 1_000 },
  clientRate: null,
  stallMs: 60_000,
};
