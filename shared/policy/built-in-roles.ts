/** The roles that every account has. Their documents cannot be changed; custom roles stand beside them. */
const document = (actions: readonly string[]): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] });

const reading = ['kms:DescribeKey', 'kms:DescribeCustomKeyStores', 'kms:GetKeyLastUsage', 'kms:GetKeyPolicy', 'kms:GetKeyRotationStatus', 'kms:GetPublicKey', 'kms:List*'];

export const builtInRoles = {
  administrator: { description: 'Everything: keys and their use, policies, grants, roles and bindings.', document: document(['kms:*', 'chatelaine:*']) },
  user: {
    description: 'Uses keys: encrypts, decrypts, signs, verifies, and finds the keys to do it with. Changes nothing.',
    document: document([
      'kms:Decapsulate',
      'kms:Decrypt',
      'kms:DeriveSharedSecret',
      'kms:DescribeKey',
      'kms:Encapsulate',
      'kms:Encrypt',
      'kms:GenerateDataKey*',
      'kms:GenerateMac',
      'kms:GenerateRandom',
      'kms:GetPublicKey',
      'kms:ListAliases',
      'kms:ListKeys',
      'kms:ReEncrypt*',
      'kms:Sign',
      'kms:Verify',
      'kms:VerifyMac',
    ]),
  },
  auditor: {
    description: 'Reads everything that is not secret, and asks the simulator. Uses and changes nothing.',
    document: document([...reading, 'chatelaine:Get*', 'chatelaine:List*', 'chatelaine:Simulate']),
  },
  // Not ReplicateKey: a replica has the material of its primary key and a policy of the caller's choice.
  custodian: {
    description:
      'Looks after keys: makes, rotates, disables, imports, deletes, names and tags. Can neither use keys nor change who may use those that exist, but where a policy asks for tags or aliases.',
    document: document([
      ...reading,
      'kms:CancelKeyDeletion',
      'kms:CreateAlias',
      'kms:CreateKey',
      'kms:CreateKeyVersion',
      'kms:DeleteAlias',
      'kms:DeleteImportedKeyMaterial',
      'kms:DisableKey*',
      'kms:EnableKey*',
      'kms:GetParametersForImport',
      'kms:ImportKeyMaterial',
      'kms:PutKeyVersionRule',
      'kms:RevokeGrant',
      'kms:RotateKeyOnDemand',
      'kms:ScheduleKeyDeletion',
      'kms:TagResource',
      'kms:UntagResource',
      'kms:UpdateAlias',
      'kms:UpdateKeyDescription',
      'kms:UpdateKeyVersion',
      'kms:UpdatePrimaryRegion',
    ]),
  },
} as const satisfies Record<string, { description: string; document: string }>;

export type BuiltInRole = keyof typeof builtInRoles;

export function builtInRole(name: string): { readonly description: string; readonly document: string } | undefined {
  return Object.hasOwn(builtInRoles, name) ? builtInRoles[name as BuiltInRole] : undefined;
}
