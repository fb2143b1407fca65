/** The registry: the only hand-kept list of operations. `npm run new:operation` adds a line. */
import type { Operation } from '#shared/operation.ts';
import { CancelKeyDeletion } from './cancel-key-deletion.ts';
import { CreateAlias } from './create-alias.ts';
import { CreateKey } from './create-key.ts';
import { CreateKeyVersion } from './create-key-version.ts';
import { Decrypt } from './decrypt.ts';
import { DecryptBatch } from './decrypt-batch.ts';
import { DeleteAlias } from './delete-alias.ts';
import { DescribeKey } from './describe-key.ts';
import { DisableKey } from './disable-key.ts';
import { DisableKeyRotation } from './disable-key-rotation.ts';
import { EnableKey } from './enable-key.ts';
import { EnableKeyRotation } from './enable-key-rotation.ts';
import { Encrypt } from './encrypt.ts';
import { EncryptBatch } from './encrypt-batch.ts';
import { GenerateDataKey } from './generate-data-key.ts';
import { GenerateDataKeyBatch } from './generate-data-key-batch.ts';
import { GenerateDataKeyWithoutPlaintext } from './generate-data-key-without-plaintext.ts';
import { GenerateMac } from './generate-mac.ts';
import { GenerateRandom } from './generate-random.ts';
import { GetKeyJwks } from './get-key-jwks.ts';
import { GetKeyLastUsage } from './get-key-last-usage.ts';
import { GetKeyPolicy } from './get-key-policy.ts';
import { GetKeyRotationStatus } from './get-key-rotation-status.ts';
import { GetKeyVersionPublicKey } from './get-key-version-public-key.ts';
import { GetPublicKey } from './get-public-key.ts';
import { ListAliases } from './list-aliases.ts';
import { ListKeyPolicies } from './list-key-policies.ts';
import { ListKeyRotations } from './list-key-rotations.ts';
import { ListKeyVersions } from './list-key-versions.ts';
import { ListKeys } from './list-keys.ts';
import { ListResourceTags } from './list-resource-tags.ts';
import { PutKeyPolicy } from './put-key-policy.ts';
import { PutKeyVersionRule } from './put-key-version-rule.ts';
import { ReEncrypt } from './re-encrypt.ts';
import { ReEncryptBatch } from './re-encrypt-batch.ts';
import { RotateKeyOnDemand } from './rotate-key-on-demand.ts';
import { ScheduleKeyDeletion } from './schedule-key-deletion.ts';
import { Sign } from './sign.ts';
import { SignBatch } from './sign-batch.ts';
import { TagResource } from './tag-resource.ts';
import { UntagResource } from './untag-resource.ts';
import { UpdateAlias } from './update-alias.ts';
import { UpdateKeyDescription } from './update-key-description.ts';
import { UpdateKeyVersion } from './update-key-version.ts';
import { Verify } from './verify.ts';
import { VerifyBatch } from './verify-batch.ts';
import { VerifyMac } from './verify-mac.ts';

export const operations: readonly Operation[] = [
  CancelKeyDeletion,
  CreateAlias,
  CreateKey,
  CreateKeyVersion,
  Decrypt,
  DecryptBatch,
  DeleteAlias,
  DescribeKey,
  DisableKey,
  DisableKeyRotation,
  EnableKey,
  EnableKeyRotation,
  Encrypt,
  EncryptBatch,
  GenerateDataKey,
  GenerateDataKeyBatch,
  GenerateDataKeyWithoutPlaintext,
  GenerateMac,
  GenerateRandom,
  GetKeyJwks,
  GetKeyLastUsage,
  GetKeyPolicy,
  GetKeyRotationStatus,
  GetKeyVersionPublicKey,
  GetPublicKey,
  ListAliases,
  ListKeyPolicies,
  ListKeyRotations,
  ListKeyVersions,
  ListKeys,
  ListResourceTags,
  PutKeyPolicy,
  PutKeyVersionRule,
  ReEncrypt,
  ReEncryptBatch,
  RotateKeyOnDemand,
  ScheduleKeyDeletion,
  Sign,
  SignBatch,
  TagResource,
  UntagResource,
  UpdateAlias,
  UpdateKeyDescription,
  UpdateKeyVersion,
  Verify,
  VerifyBatch,
  VerifyMac,
];
