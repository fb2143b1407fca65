/** Grants, roles and bindings: their records to and from rows, and the writes that make, change and remove them. */
import * as z from 'zod';
import { type GrantOperation, type GrantRecord, grantOperations } from '#shared/policy/grant.ts';
import type { Item, Write } from '#shared/ports/record-store.ts';
import { bindingListPartition, bindingRow, grantCountRow, grantCountShard, granteeRow, grantRow, retirablePartition, roleListPartition, roleRow } from './access-rows.ts';
import { recordReader, toBody } from './records.ts';

export interface RoleRecord {
  readonly account: string;
  readonly name: string;
  readonly description: string;
  /** The identity document, exactly as it was put. */
  readonly document: string;
  /** How many bindings name the role: a role that is in use is not deleted. */
  readonly bindings: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface BindingRecord {
  readonly account: string;
  /** ARN, roles without their path. */
  readonly principal: string;
  /** When present, the binding is for the principal with this unique id only, and not for a later namesake. */
  readonly principalId?: string | undefined;
  readonly roles: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The grants of one grantee on one key. */
export interface GranteeRecord {
  readonly grants: readonly GrantRecord[];
}

export interface Stored<Record> {
  readonly record: Record;
  readonly rev: number;
}

const time = z.int().min(0);
const textMap = z.record(z.string(), z.string());
const grantSchema = z.strictObject({
  grantId: z.string(),
  account: z.string().length(12),
  region: z.string(),
  keyId: z.string(),
  grantee: z.string(),
  retiring: z.string().optional(),
  issuingAccount: z.string(),
  operations: z.array(z.enum(grantOperations as unknown as [GrantOperation, ...GrantOperation[]])),
  constraints: z.strictObject({ EncryptionContextEquals: textMap.optional(), EncryptionContextSubset: textMap.optional(), SourceArn: z.string().optional() }).optional(),
  name: z.string().optional(),
  createdAt: time,
});
const granteeSchema = z.strictObject({ grants: z.array(grantSchema) });
const roleSchema = z.strictObject({
  account: z.string().length(12),
  name: z.string(),
  description: z.string(),
  document: z.string(),
  bindings: z.int().min(0),
  createdAt: time,
  updatedAt: time,
});
const bindingSchema = z.strictObject({
  account: z.string().length(12),
  principal: z.string(),
  principalId: z.string().optional(),
  roles: z.array(z.string()),
  createdAt: time,
  updatedAt: time,
});

export const readGrant = recordReader<GrantRecord>('grant', grantSchema);
export const readGrantee = recordReader<GranteeRecord>('grantee', granteeSchema);
export const readRole = recordReader<RoleRecord>('role', roleSchema);
export const readBinding = recordReader<BindingRecord>('binding', bindingSchema);

const put = (item: Omit<Item, 'rev'>, rev: number): Write => ({ put: { ...item, rev: rev + 1 }, if: rev === 0 ? { absent: true } : { rev } });

/** Room for the row's keys and seal below DynamoDB's 400 KB, and for a decision to read it in good time. */
export const granteeBytesMax = 300 * 1024;
export const granteeBytes = (grants: readonly GrantRecord[]): number => Buffer.byteLength(JSON.stringify(toBody({ grants })));

/** What a grant is added to or taken from. */
export interface GrantSurroundings {
  /** Every grant of the grantee on the key; the revision of their row is 0 when it has none. */
  readonly grantee: Stored<readonly GrantRecord[]>;
  /** How many grants the key has, by shard; revision 0 for a shard without a row. */
  readonly counts: readonly Stored<number>[];
}

/** AWS KMS Developer Guide, "Resource quotas": grants per KMS key. */
export const grantsPerKeyMax = 50_000;
export const countGrants = ({ counts }: GrantSurroundings): number => counts.reduce((sum, { record }) => sum + record, 0);

function putCount(grant: GrantRecord, counts: GrantSurroundings['counts'], change: 1 | -1): Write {
  const shard = grantCountShard(grant.grantId);
  const { record, rev } = counts[shard]!;
  return put({ ...grantCountRow(grant, shard), body: { grants: Math.max(0, record + change) } }, rev);
}

export function addGrant(grant: GrantRecord, { grantee: { record: others, rev }, counts }: GrantSurroundings): Write[] {
  const list = grant.retiring === undefined ? {} : { index: { list: { pk: retirablePartition(grant.region, grant.retiring), sk: grant.grantId } } };
  return [
    { put: { ...grantRow(grant, grant.grantId), rev: 1, body: toBody(grant), ...list }, if: { absent: true } },
    put({ ...granteeRow(grant, grant.grantee), body: toBody({ grants: [...others, grant] }) }, rev),
    putCount(grant, counts, 1),
  ];
}

/** Precondition: the grant is among those of the grantee. */
export function removeGrant(grant: GrantRecord, { grantee: { record: all, rev }, counts }: GrantSurroundings): Write[] {
  const left = all.filter(({ grantId }) => grantId !== grant.grantId);
  const row = granteeRow(grant, grant.grantee);
  return [
    { delete: grantRow(grant, grant.grantId), if: { exists: true } },
    left.length === 0 ? { delete: row, if: { rev } } : put({ ...row, body: toBody({ grants: left }) }, rev),
    putCount(grant, counts, -1),
  ];
}

export const putRole = (role: RoleRecord, rev: number): Write =>
  put({ ...roleRow(role), body: toBody(role), index: { list: { pk: roleListPartition(role.account), sk: role.name } } }, rev);
export const deleteRole = ({ record, rev }: Stored<RoleRecord>): Write => ({ delete: roleRow(record), if: { rev } });

export const putBinding = (binding: BindingRecord, rev: number): Write =>
  put({ ...bindingRow(binding.principal), body: toBody(binding), index: { list: { pk: bindingListPartition(binding.account), sk: binding.principal } } }, rev);
export const deleteBinding = ({ record, rev }: Stored<BindingRecord>): Write => ({ delete: bindingRow(record.principal), if: { rev } });
