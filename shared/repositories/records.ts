/** Typed records to and from rows. Rows carry no field that the record does not have, so a row read is checked by shape before it is believed. */
import * as z from 'zod';
import { type KeySpec, keySpecs, keyUsages } from '#shared/algorithms/key-specs.ts';
import type { JsonObject } from '#shared/json.ts';
import { type KeyRecord, keyStates, type VersionRecord } from '#shared/keys/key-record.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { keyMaterialSchema } from '#shared/keys/material-schema.ts';
import type { Item } from '#shared/ports/record-store.ts';

export interface AliasRecord {
  readonly account: string;
  readonly region: string;
  /** With the `alias/` prefix. */
  readonly aliasName: string;
  readonly targetKeyId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

const time = z.int().min(0);
const owner = { account: z.string().length(12), region: z.string() };

const keyRecordSchema = z.strictObject({
  ...owner,
  keyId: z.string(),
  createdAt: time,
  description: z.string(),
  keySpec: z.enum(keySpecs as [KeySpec, ...KeySpec[]]),
  keyUsage: z.enum(keyUsages),
  origin: z.enum(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']),
  multiRegion: z.boolean(),
  primaryRegion: z.string().optional(),
  replicaRegions: z.array(z.string()).optional(),
  synchronize: z.strictObject({ task: z.enum(['CREATION', 'PRIMARY']), since: time }).optional(),
  state: z.enum(keyStates),
  currentVersion: z.int().min(1),
  policy: z.string(),
  tags: z.array(z.strictObject({ TagKey: z.string(), TagValue: z.string() })),
  rotation: z.strictObject({ enabled: z.boolean(), periodDays: z.int(), nextAt: time.optional(), onDemandCount: z.int().min(0) }),
  deletion: z.strictObject({ at: time.optional(), pendingWindowDays: z.int(), requestedBy: z.string() }).optional(),
  imports: z
    .array(
      z.strictObject({
        version: z.int().min(1),
        fingerprint: z.strictObject({ epoch: z.int().min(1), value: z.string() }),
        state: z.enum(['IMPORTED', 'EXPIRED', 'PENDING_IMPORT']),
        validTo: time.optional(),
        description: z.string().optional(),
      }),
    )
    .optional(),
  versioning: z
    .strictObject({ acceptDays: z.int().min(0).optional(), superseded: z.array(z.strictObject({ version: z.int().min(1), disabled: z.boolean(), acceptUntil: time.optional() })) })
    .optional(),
  keyStoreId: z.string().optional(),
});

const versionRecordSchema = z.strictObject({ version: z.int().min(1), createdAt: time, origin: z.enum(['CREATION', 'AUTOMATIC', 'ON_DEMAND']) });

const aliasRecordSchema = z.strictObject({ ...owner, aliasName: z.string(), targetKeyId: z.string(), createdAt: time, updatedAt: time });

/** A row that does not have its record's shape: the database was written by something else. */
export class CorruptRow extends Error {
  override readonly name = 'CorruptRow';
}

/** A reader of one kind of row. The reader throws CorruptRow. A frozen row is read once, and its record is frozen too: requests share it. */
export function recordReader<Record>(what: string, schema: z.ZodType<Record>): (item: Item) => Record {
  const records = new WeakMap<Item, { readonly record: Record }>();
  return (item) => {
    const known = records.get(item);
    if (known !== undefined) return known.record;
    const parsed = schema.safeParse(item.body);
    if (!parsed.success) throw new CorruptRow(`The ${what} row ${item.pk} ${item.sk} is not well formed.`);
    if (Object.isFrozen(item)) records.set(item, { record: freezeRecord(parsed.data) });
    return parsed.data;
  };
}

function freezeRecord<Value>(value: Value): Value {
  // Bytes cannot be frozen; they are read and never written.
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  for (const member of Object.values(value)) freezeRecord(member);
  return Object.freeze(value);
}

export const readKeyRecord = recordReader<KeyRecord>('key', keyRecordSchema);
export const readVersionRecord = recordReader<VersionRecord>('version', versionRecordSchema);
export const readAliasRecord = recordReader<AliasRecord>('alias', aliasRecordSchema);
export const readMaterial = recordReader<KeyMaterial>('material', keyMaterialSchema);

/** Drops members that are undefined: rows are plain JSON. */
export function toBody(record: object): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject;
}
