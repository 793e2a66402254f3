import { AGENT_TYPES } from '../../protocol/messages.js';
import {
  COLLECTIONS,
  type Collection,
  type EntryRecord,
  type ExperienceRecord,
  type SessionRecord,
  type TicketKeyRecord,
} from '../records.js';
import { refuse, type Value, type ValueSource } from './values.js';

/** The order of columns in which each record is written to the database and to the worker, and read back. */

export const SESSION_COLUMNS =
  'agent_id, agent_type, kinds, concurrency, token_hash, previous_token_hash, certificate, started_at';

export const sessionValues = (session: SessionRecord): Value[] => [
  session.agentId,
  session.agentType,
  JSON.stringify(session.kinds),
  session.concurrency,
  session.tokenHash,
  session.previousTokenHash,
  session.certificate,
  session.startedAt,
];

export function readSession(row: ValueSource): SessionRecord {
  const agentId = row.text();
  const type = row.text();
  const kinds: unknown = JSON.parse(row.text());
  return {
    agentId,
    agentType: AGENT_TYPES.find((known) => known === type) ?? refuse('a type of agent', type),
    kinds: isTexts(kinds) ? kinds : refuse('kinds', kinds),
    concurrency: row.number(),
    tokenHash: row.text(),
    previousTokenHash: row.textOrNull(),
    certificate: row.textOrNull(),
    startedAt: row.number(),
  };
}

export const TICKET_KEY_COLUMNS = 'key_id, key, created_at';

export const ticketKeyValues = ({ keyId, key, createdAt }: TicketKeyRecord): Value[] => [
  keyId,
  key,
  createdAt,
];

export function readTicketKey(row: ValueSource): TicketKeyRecord {
  return { keyId: row.text(), key: row.bytes().slice(), createdAt: row.number() };
}

export const ENTRY_COLUMNS = 'collection, key, value';

export const entryValues = ({ collection, key, value }: EntryRecord): Value[] => [collection, key, value];

export function readEntry(row: ValueSource): EntryRecord {
  return { collection: readCollection(row), key: row.text(), value: row.bytes().slice() };
}

export function readCollection(row: ValueSource): Collection {
  const name = row.text();
  return COLLECTIONS.find((known) => known === name) ?? refuse('a collection', name);
}

export const EXPERIENCE_COLUMNS =
  'experience_id, agent_id, task_id, action, context, value, confidence, latency_ms, recorded_at, received_at';

export const experienceValues = (experience: ExperienceRecord): Value[] => [
  experience.experienceId,
  experience.agentId,
  experience.taskId ?? null,
  experience.action,
  JSON.stringify(experience.context),
  experience.outcome.value,
  experience.outcome.confidence,
  experience.outcome.latencyMs,
  experience.recordedAt,
  experience.receivedAt,
];

export function readExperience(row: ValueSource): ExperienceRecord {
  const experienceId = row.text();
  const agentId = row.text();
  const taskId = row.textOrNull();
  return {
    experienceId,
    agentId,
    ...(taskId === null ? {} : { taskId }),
    action: row.text(),
    context: readContext(row.text()),
    outcome: { value: row.number(), confidence: row.number(), latencyMs: row.number() },
    recordedAt: row.number(),
    receivedAt: row.number(),
  };
}

function readContext(json: string): ExperienceRecord['context'] {
  const context: unknown = JSON.parse(json);
  if (typeof context !== 'object' || context === null) return refuse('a context', context);
  const scalars: ExperienceRecord['context'] = {};
  for (const [name, value] of Object.entries(context)) scalars[name] = isScalar(value) ? value : null;
  return scalars;
}

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
