/** The registry: the only hand-kept list of operations. `npm run new:operation` adds a line. */
import type { Operation } from '#shared/operation.ts';
import { CancelKeyDeletion } from './cancel-key-deletion.ts';
import { ConnectCustomKeyStore } from './connect-custom-key-store.ts';
import { CreateAlias } from './create-alias.ts';
import { CreateBinding } from './create-binding.ts';
import { CreateCustomKeyStore } from './create-custom-key-store.ts';
import { CreateGrant } from './create-grant.ts';
import { CreateKey } from './create-key.ts';
import { CreateKeyVersion } from './create-key-version.ts';
import { CreateRole } from './create-role.ts';
import { Decapsulate } from './decapsulate.ts';
import { Decrypt } from './decrypt.ts';
import { DecryptBatch } from './decrypt-batch.ts';
import { DeleteAlias } from './delete-alias.ts';
import { DeleteBinding } from './delete-binding.ts';
import { DeleteCustomKeyStore } from './delete-custom-key-store.ts';
import { DeleteImportedKeyMaterial } from './delete-imported-key-material.ts';
import { DeleteRole } from './delete-role.ts';
import { DeriveSharedSecret } from './derive-shared-secret.ts';
import { DescribeCustomKeyStores } from './describe-custom-key-stores.ts';
import { DescribeKey } from './describe-key.ts';
import { DisableKey } from './disable-key.ts';
import { DisableKeyRotation } from './disable-key-rotation.ts';
import { DisconnectCustomKeyStore } from './disconnect-custom-key-store.ts';
import { EnableKey } from './enable-key.ts';
import { EnableKeyRotation } from './enable-key-rotation.ts';
import { Encapsulate } from './encapsulate.ts';
import { Encrypt } from './encrypt.ts';
import { EncryptBatch } from './encrypt-batch.ts';
import { GenerateDataKey } from './generate-data-key.ts';
import { GenerateDataKeyBatch } from './generate-data-key-batch.ts';
import { GenerateDataKeyPair } from './generate-data-key-pair.ts';
import { GenerateDataKeyPairWithoutPlaintext } from './generate-data-key-pair-without-plaintext.ts';
import { GenerateDataKeyWithoutPlaintext } from './generate-data-key-without-plaintext.ts';
import { GenerateMac } from './generate-mac.ts';
import { GenerateRandom } from './generate-random.ts';
import { GetKeyJwks } from './get-key-jwks.ts';
import { GetKeyLastUsage } from './get-key-last-usage.ts';
import { GetKeyPolicy } from './get-key-policy.ts';
import { GetKeyRotationStatus } from './get-key-rotation-status.ts';
import { GetKeyVersionPublicKey } from './get-key-version-public-key.ts';
import { GetParametersForImport } from './get-parameters-for-import.ts';
import { GetPublicKey } from './get-public-key.ts';
import { GetRole } from './get-role.ts';
import { ImportKeyMaterial } from './import-key-material.ts';
import { ListAliases } from './list-aliases.ts';
import { ListBindings } from './list-bindings.ts';
import { ListGrants } from './list-grants.ts';
import { ListKeyPolicies } from './list-key-policies.ts';
import { ListKeyRotations } from './list-key-rotations.ts';
import { ListKeyVersions } from './list-key-versions.ts';
import { ListKeys } from './list-keys.ts';
import { ListResourceTags } from './list-resource-tags.ts';
import { ListRetirableGrants } from './list-retirable-grants.ts';
import { ListRoles } from './list-roles.ts';
import { PutKeyPolicy } from './put-key-policy.ts';
import { PutKeyVersionRule } from './put-key-version-rule.ts';
import { ReEncrypt } from './re-encrypt.ts';
import { ReEncryptBatch } from './re-encrypt-batch.ts';
import { ReplicateKey } from './replicate-key.ts';
import { RetireGrant } from './retire-grant.ts';
import { RevokeGrant } from './revoke-grant.ts';
import { RotateKeyOnDemand } from './rotate-key-on-demand.ts';
import { ScheduleKeyDeletion } from './schedule-key-deletion.ts';
import { Sign } from './sign.ts';
import { SignBatch } from './sign-batch.ts';
import { Simulate } from './simulate.ts';
import { TagResource } from './tag-resource.ts';
import { UntagResource } from './untag-resource.ts';
import { UpdateAlias } from './update-alias.ts';
import { UpdateCustomKeyStore } from './update-custom-key-store.ts';
import { UpdateKeyDescription } from './update-key-description.ts';
import { UpdateKeyVersion } from './update-key-version.ts';
import { UpdatePrimaryRegion } from './update-primary-region.ts';
import { UpdateRole } from './update-role.ts';
import { Verify } from './verify.ts';
import { VerifyBatch } from './verify-batch.ts';
import { VerifyMac } from './verify-mac.ts';

export const operations: readonly Operation[] = [
  CancelKeyDeletion,
  ConnectCustomKeyStore,
  CreateAlias,
  CreateBinding,
  CreateCustomKeyStore,
  CreateGrant,
  CreateKey,
  CreateKeyVersion,
  CreateRole,
  Decapsulate,
  Decrypt,
  DecryptBatch,
  DeleteAlias,
  DeleteBinding,
  DeleteCustomKeyStore,
  DeleteImportedKeyMaterial,
  DeleteRole,
  DeriveSharedSecret,
  DescribeCustomKeyStores,
  DescribeKey,
  DisableKey,
  DisableKeyRotation,
  DisconnectCustomKeyStore,
  EnableKey,
  EnableKeyRotation,
  Encapsulate,
  Encrypt,
  EncryptBatch,
  GenerateDataKey,
  GenerateDataKeyBatch,
  GenerateDataKeyPair,
  GenerateDataKeyPairWithoutPlaintext,
  GenerateDataKeyWithoutPlaintext,
  GenerateMac,
  GenerateRandom,
  GetKeyJwks,
  GetKeyLastUsage,
  GetKeyPolicy,
  GetKeyRotationStatus,
  GetKeyVersionPublicKey,
  GetParametersForImport,
  GetPublicKey,
  GetRole,
  ImportKeyMaterial,
  ListAliases,
  ListBindings,
  ListGrants,
  ListKeyPolicies,
  ListKeyRotations,
  ListKeyVersions,
  ListKeys,
  ListResourceTags,
  ListRetirableGrants,
  ListRoles,
  PutKeyPolicy,
  PutKeyVersionRule,
  ReEncrypt,
  ReEncryptBatch,
  ReplicateKey,
  RetireGrant,
  RevokeGrant,
  RotateKeyOnDemand,
  ScheduleKeyDeletion,
  Sign,
  SignBatch,
  Simulate,
  TagResource,
  UntagResource,
  UpdateAlias,
  UpdateCustomKeyStore,
  UpdateKeyDescription,
  UpdateKeyVersion,
  UpdatePrimaryRegion,
  UpdateRole,
  Verify,
  VerifyBatch,
  VerifyMac,
];
