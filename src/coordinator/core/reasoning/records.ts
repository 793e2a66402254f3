import type { BankRecord, BankSnapshot } from '../../../reasoning/contract.js';
import { toStored } from '../../../reasoning/experience-record.js';
import { pairKey } from '../../../reasoning/pair-key.js';
import type { Collection } from '../../../store/records.js';
import type { StoreOp } from '../../../store/store.js';

/** The bank's records as the store keeps them: experiences in their table, all else as JSON in collections of entries. */

/** The one key of the collection `bank-snapshot`. */
export const SNAPSHOT_KEY = 'latest';

export function opOf(record: BankRecord): StoreOp {
  switch (record.type) {
    case 'experience':
      return { op: 'append-experience', experience: toStored(record.experience) };
    case 'forecast':
      return entryOp('forecast', record.taskId, record.forecast);
    case 'adaptation':
      return entryOp('adaptation', pairKey(record.agentId, record.kind), record.adaptation);
    case 'memory':
      return entryOp('memory', record.memoryId, record.item);
  }
}

/** Forecasts and lessons have entries of their own, always up to date. */
export function snapshotOp(snapshot: BankSnapshot): StoreOp {
  return entryOp('bank-snapshot', SNAPSHOT_KEY, { ...snapshot, forecasts: [], memories: [] });
}

function entryOp(collection: Collection, key: string, value: object | null): StoreOp {
  if (value === null) return { op: 'drop-entry', collection, key };
  return { op: 'put-entry', entry: { collection, key, value: Buffer.from(JSON.stringify(value)) } };
}
