import { ReasoningBank } from '../../../reasoning/bank.js';
import type { BankOptions, BankPorts, BankSnapshot } from '../../../reasoning/contract.js';
import type { Adaptation } from '../../../reasoning/adaptation/state.js';
import { fromStored } from '../../../reasoning/experience-record.js';
import { pairKey } from '../../../reasoning/pair-key.js';
import type { ExperienceRecord } from '../../../store/records.js';
import { isAdaptation, isForecast, isMemory, isSnapshot } from './record-schemas.js';

/** What a store has of the bank: values of entries, and experiences, the newest first. */
export interface StoredBank {
  readonly snapshot: Uint8Array | null;
  readonly forecasts: readonly Uint8Array[];
  readonly adaptations: readonly Uint8Array[];
  readonly memories: readonly Uint8Array[];
  readonly experiences: readonly ExperienceRecord[];
}

/** When the snapshot was taken, or null for one that cannot be used; then all experiences are to be read. */
export function snapshotTime(value: Uint8Array | null): number | null {
  return value === null ? null : (readSnapshot(value)?.takenAt ?? null);
}

/**
 * The bank as it was: the snapshot, and what was stored since. `damaged`: values that are not what they should be and were
 * left out.
 */
export function restoreBank(
  options: BankOptions,
  ports: BankPorts,
  now: number,
  stored: StoredBank,
): { readonly bank: ReasoningBank; readonly damaged: number } {
  let damaged = 0;
  const readAll = <T>(values: readonly Uint8Array[], is: (value: unknown) => value is T): T[] => {
    const good = values.map(parse).filter(is);
    damaged += values.length - good.length;
    return good;
  };
  const memories = readAll(stored.memories, isMemory);
  const forecasts = readAll(stored.forecasts, isForecast);
  const adaptations = readAll(stored.adaptations, isAdaptation);
  const snapshot = stored.snapshot === null ? null : readSnapshot(stored.snapshot);
  if (stored.snapshot !== null && snapshot === null) damaged++;
  const bank = new ReasoningBank(options, ports, now, snapshot ?? undefined);
  for (const item of memories) bank.recover({ type: 'memory', memoryId: item.memoryId, item });
  for (const forecast of forecasts.sort((a, b) => a.deliveredAt - b.deliveredAt)) {
    bank.recover({ type: 'forecast', taskId: forecast.taskId, forecast });
  }
  const known = new Map(
    snapshot?.adaptation.adaptations.map((adaptation) => [keyOf(adaptation), adaptation]),
  );
  for (const adaptation of adaptations) {
    const { agentId, kind } = adaptation;
    if (isSamePhase(known.get(keyOf(adaptation)), adaptation)) continue;
    bank.recover({ type: 'adaptation', agentId, kind, adaptation });
  }
  for (const record of [...stored.experiences].reverse()) {
    const experience = fromStored(record);
    if (experience !== null) bank.recover({ type: 'experience', experience });
  }
  return { bank, damaged };
}

/** Then the snapshot has gathered more scores in it than the record, which was written when the phase began. */
function isSamePhase(inSnapshot: Adaptation | undefined, record: Adaptation): boolean {
  return inSnapshot?.phase.phase === record.phase.phase && inSnapshot.since === record.since;
}

function keyOf({ agentId, kind }: Adaptation): string {
  return pairKey(agentId, kind);
}

function readSnapshot(value: Uint8Array): BankSnapshot | null {
  const plain = parse(value);
  return isSnapshot(plain) ? { ...plain, version: 1, forecasts: [], memories: [] } : null;
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  } catch {
    return null;
  }
}
