import type { Log } from '../../observe/log.js';
import type { ReasoningBank } from '../../reasoning/bank.js';
import type { BankOptions, BankPorts } from '../../reasoning/contract.js';
import type { Collection, ExperienceRecord } from '../../store/records.js';
import type { Store } from '../../store/store.js';
import { SNAPSHOT_KEY } from '../core/reasoning/records.js';
import { restoreBank, snapshotTime } from '../core/reasoning/restore.js';
import { readCollection } from './take-up.js';

/** Entries read, about: the bank's own bounds are lower. */
const MAX_ENTRIES = 20_000;
/** Experiences read at first, and at most. */
const FIRST_EXPERIENCES = 2_000;
const MAX_EXPERIENCES = 50_000;

/** The bank as the store has it. */
export async function takeUpBank(
  store: Store,
  options: BankOptions,
  ports: BankPorts,
  now: number,
  log: Log,
): Promise<ReasoningBank> {
  const snapshots = await store.readEntries({ collection: 'bank-snapshot', after: null, limit: 2 });
  const snapshot = snapshots.find(({ key }) => key === SNAPSHOT_KEY)?.value ?? null;
  const { bank, damaged } = restoreBank(options, ports, now, {
    snapshot,
    forecasts: await readAll(store, 'forecast'),
    adaptations: await readAll(store, 'adaptation'),
    memories: await readAll(store, 'memory'),
    experiences: await experiencesSince(store, snapshotTime(snapshot)),
  });
  if (damaged > 0) log.warn({ damaged }, 'some of what was learned is damaged and was left out');
  return bank;
}

async function readAll(store: Store, collection: Collection): Promise<Uint8Array[]> {
  const entries = await readCollection(store, collection, MAX_ENTRIES);
  return entries.map(({ value }) => value);
}

/** The newest first. Those that the snapshot has do no harm. */
async function experiencesSince(store: Store, takenAt: number | null): Promise<readonly ExperienceRecord[]> {
  for (let limit = FIRST_EXPERIENCES; ; limit = Math.min(MAX_EXPERIENCES, 5 * limit)) {
    const read = await store.readExperiences({ limit });
    const oldest = read.at(-1);
    const all = oldest === undefined || read.length < limit || limit === MAX_EXPERIENCES;
    if (all || (takenAt !== null && oldest.receivedAt < takenAt)) return read;
  }
}
