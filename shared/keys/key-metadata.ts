import * as z from 'zod';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { type KeyStore, stateOf } from '#shared/key-stores/key-store-record.ts';
import { keyArn } from './arn.ts';
import { importMetadata, materialIdOf } from './imported.ts';
import type { KeyRecord } from './key-record.ts';
import { isReplica, primaryRegionOf, replicaRegionsOf } from './multi-region.ts';
import { currentMaterialId } from './versions.ts';

const multiRegionKey = z.object({ Arn: z.string(), Region: z.string() });
type RegionalKey = z.output<typeof multiRegionKey>;

export const keyMetadataSchema = z
  .object({
    AWSAccountId: z.string(),
    KeyId: z.string(),
    Arn: z.string(),
    CreationDate: timestamp(),
    Enabled: z.boolean(),
    Description: z.string(),
    KeyUsage: z.string(),
    KeyState: z.string(),
    DeletionDate: timestamp().optional(),
    /** Of a primary key that waits for its replicas to be gone: then its waiting period begins. */
    PendingDeletionWindowInDays: z.int().optional(),
    ValidTo: timestamp().optional(),
    CustomKeyStoreId: z.string().optional(),
    CloudHsmClusterId: z.string().optional(),
    Origin: z.string(),
    ExpirationModel: z.string().optional(),
    KeyManager: z.literal('CUSTOMER'),
    CustomerMasterKeySpec: z.string(),
    KeySpec: z.string(),
    EncryptionAlgorithms: z.array(z.string()).optional(),
    SigningAlgorithms: z.array(z.string()).optional(),
    MacAlgorithms: z.array(z.string()).optional(),
    KeyAgreementAlgorithms: z.array(z.string()).optional(),
    EncapsulationAlgorithms: z.array(z.string()).optional(),
    MultiRegion: z.boolean(),
    MultiRegionConfiguration: z.object({ MultiRegionKeyType: z.string(), PrimaryKey: multiRegionKey, ReplicaKeys: z.array(multiRegionKey) }).optional(),
    CurrentKeyMaterialId: z.string().optional(),
    /** Beyond AWS KMS: where the key is used in clear (docs/architecture.md). */
    ProtectionLevel: z.string(),
  })
  .meta({ id: 'KeyMetadata' });

/** @param keyStore the one that the record names */
export function keyMetadata(partition: string, record: KeyRecord, keyStore?: KeyStore): z.output<typeof keyMetadataSchema> {
  const spec = describeKeySpec(record.keySpec);
  const Arn = keyArn(partition, record);
  const state = stateOf({ record, keyStore });
  return {
    AWSAccountId: record.account,
    KeyId: record.keyId,
    Arn,
    CreationDate: new Date(record.createdAt),
    Enabled: state === 'Enabled',
    Description: record.description,
    KeyUsage: record.keyUsage,
    KeyState: state,
    DeletionDate: record.deletion?.at === undefined ? undefined : new Date(record.deletion.at),
    PendingDeletionWindowInDays: record.state === 'PendingReplicaDeletion' ? record.deletion?.pendingWindowDays : undefined,
    CustomKeyStoreId: keyStore?.keyStoreId,
    CloudHsmClusterId: keyStore?.clusterId,
    Origin: record.origin,
    ...importMetadata(record),
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: record.keySpec,
    KeySpec: record.keySpec,
    EncryptionAlgorithms: record.keyUsage === 'ENCRYPT_DECRYPT' ? [...(spec.encryptionAlgorithms ?? [])] : undefined,
    SigningAlgorithms: record.keyUsage === 'SIGN_VERIFY' ? [...(spec.signingAlgorithms ?? [])] : undefined,
    MacAlgorithms: record.keyUsage === 'GENERATE_VERIFY_MAC' ? [...(spec.macAlgorithms ?? [])] : undefined,
    KeyAgreementAlgorithms: record.keyUsage === 'KEY_AGREEMENT' ? [...(spec.keyAgreementAlgorithms ?? [])] : undefined,
    EncapsulationAlgorithms: record.keyUsage === 'ENCAPSULATE_DECAPSULATE' ? [...(spec.encapsulationAlgorithms ?? [])] : undefined,
    MultiRegion: record.multiRegion,
    MultiRegionConfiguration: record.multiRegion ? multiRegionConfiguration(partition, record) : undefined,
    CurrentKeyMaterialId: record.keySpec === 'SYMMETRIC_DEFAULT' ? materialIdOf(record, record.currentVersion) : currentMaterialId(record),
    ProtectionLevel: spec.protection,
  };
}

function multiRegionConfiguration(partition: string, record: KeyRecord): { MultiRegionKeyType: string; PrimaryKey: RegionalKey; ReplicaKeys: RegionalKey[] } {
  const inRegion = (region: string): RegionalKey => ({ Arn: keyArn(partition, { ...record, region }), Region: region });
  return { MultiRegionKeyType: isReplica(record) ? 'REPLICA' : 'PRIMARY', PrimaryKey: inRegion(primaryRegionOf(record)), ReplicaKeys: replicaRegionsOf(record).map(inRegion) };
}
