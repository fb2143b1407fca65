/** The `kms:` condition keys. Reference: AWS KMS Developer Guide, "AWS KMS condition keys". Members with a default have it here too, as in AWS KMS. */
import { isReplica } from '#shared/keys/multi-region.ts';
import { defaultRotationPeriodDays } from '#shared/keys/rotation.ts';
import { single } from './global-facts.ts';
import type { Fact, FactSource } from './request-facts.ts';

type Resolver = (source: FactSource) => Fact;
type TextMap = Readonly<Record<string, string>>;

/** The value of a member; a default is a value where the operation has the member at all. */
const member =
  (name: string, operations?: readonly string[], fallback?: string): Resolver =>
  ({ input, operation }) => {
    if (operations !== undefined && !operations.includes(operation)) return undefined;
    const value = input[name];
    return value === undefined || value === null ? fallback : value instanceof Date ? value.toISOString() : String(value);
  };

/** A property of the key, or what CreateKey is to make. */
const property =
  (ofKey: (key: NonNullable<FactSource['key']>) => string, ofRequest: Resolver): Resolver =>
  (source) =>
    source.key !== undefined ? ofKey(source.key) : source.operation === 'CreateKey' ? ofRequest(source) : undefined;

const keySpec = property(
  (key) => key.record.keySpec,
  ({ input }) => String(input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT'),
);
const keyUsage = property(
  (key) => key.record.keyUsage,
  ({ input }) => String(input.KeyUsage ?? 'ENCRYPT_DECRYPT'),
);

/** The encryption context of the side that is being decided on; of a new grant, what its constraints ask for. */
export function encryptionContextOf({ input, operation, role }: Pick<FactSource, 'input' | 'operation' | 'role'>): TextMap {
  if (operation === 'ReEncrypt') return asMap(role === 'source' ? input.SourceEncryptionContext : input.DestinationEncryptionContext);
  if (operation === 'CreateGrant') {
    const constraints = asMap(input.Constraints) as Readonly<Record<string, unknown>>;
    return asMap(constraints.EncryptionContextEquals ?? constraints.EncryptionContextSubset);
  }
  return asMap(input.EncryptionContext);
}

const asMap = (value: unknown): TextMap => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TextMap) : {});

const encryptionOperations = ['Encrypt', 'Decrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'];
const encryptionAlgorithm: Resolver = ({ input, operation, role }) => {
  if (operation === 'ReEncrypt') return String((role === 'source' ? input.SourceEncryptionAlgorithm : input.DestinationEncryptionAlgorithm) ?? 'SYMMETRIC_DEFAULT');
  return encryptionOperations.includes(operation) ? String(input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT') : undefined;
};

/** Lower-case hexadecimal, as AWS KMS compares it: policies that do not know the case of theirs use StringEqualsIgnoreCase. */
const measurement =
  (index: number): Resolver =>
  ({ attestation }) =>
    attestation?.pcrs.get(index);

const grantConstraintTypes: Resolver = ({ input }) => Object.keys(asMap(input.Constraints));
const grantPrincipal =
  (name: string, serviceName: string): Resolver =>
  (source) =>
    member(name, ['CreateGrant'])(source) ?? member(serviceName, ['CreateGrant'])(source);
const grantOperations = ['CreateGrant', 'ListGrants', 'RevokeGrant'];
const policyWrites = ['CreateKey', 'PutKeyPolicy', 'ReplicateKey'];

const resolvers = new Map<string, Resolver>(
  Object.entries({
    'kms:bypasspolicylockoutsafetycheck': member('BypassPolicyLockoutSafetyCheck', policyWrites, 'false'),
    'kms:calleraccount': ({ caller }) => caller.account,
    'kms:customermasterkeyspec': keySpec,
    'kms:customermasterkeyusage': keyUsage,
    'kms:datakeypairspec': member('KeyPairSpec'),
    'kms:encryptionalgorithm': encryptionAlgorithm,
    'kms:encryptioncontextkeys': (source) => Object.keys(encryptionContextOf(source)),
    'kms:expirationmodel': member('ExpirationModel', ['ImportKeyMaterial'], 'KEY_MATERIAL_EXPIRES'),
    'kms:grantconstrainttype': (source) => (source.operation === 'CreateGrant' ? grantConstraintTypes(source) : undefined),
    // Only a request that an AWS service makes for somebody gives a grant to a resource of that service.
    'kms:grantisforawsresource': ({ caller, operation }) => (grantOperations.includes(operation) ? String(caller.viaService !== undefined) : undefined),
    'kms:grantoperations': ({ input, operation }) => (operation === 'CreateGrant' && Array.isArray(input.Operations) ? (input.Operations as string[]) : undefined),
    'kms:granteeprincipal': grantPrincipal('GranteePrincipal', 'GranteeServicePrincipal'),
    'kms:keyagreementalgorithm': member('KeyAgreementAlgorithm'),
    'kms:keyorigin': property(
      (key) => key.record.origin,
      ({ input }) => String(input.Origin ?? 'AWS_KMS'),
    ),
    'kms:keyspec': keySpec,
    'kms:keyusage': keyUsage,
    'kms:macalgorithm': member('MacAlgorithm'),
    'kms:messagetype': member('MessageType', ['Sign', 'Verify'], 'RAW'),
    'kms:multiregion': property(
      (key) => String(key.record.multiRegion),
      ({ input }) => String(input.MultiRegion ?? false),
    ),
    'kms:primaryregion': member('PrimaryRegion'),
    'kms:reencryptonsamekey': ({ operation, key, otherKeyArn }) => (operation === 'ReEncrypt' && key !== undefined ? String(key.arn === otherKeyArn) : undefined),
    // PCR 0 is the digest of the enclave's image.
    'kms:recipientattestation:imagesha384': measurement(0),
    'kms:replicaregion': member('ReplicaRegion'),
    'kms:requestalias': ({ key }) => key?.requestAlias,
    'kms:resourcealiases': ({ resourceAliases }) => resourceAliases,
    'kms:retiringprincipal': grantPrincipal('RetiringPrincipal', 'RetiringServicePrincipal'),
    'kms:rotationperiodindays': member('RotationPeriodInDays', ['EnableKeyRotation'], String(defaultRotationPeriodDays)),
    'kms:schedulekeydeletionpendingwindowindays': member('PendingWindowInDays', ['ScheduleKeyDeletion'], '30'),
    'kms:signingalgorithm': member('SigningAlgorithm'),
    'kms:validto': member('ValidTo', ['ImportKeyMaterial']),
    'kms:viaservice': ({ caller }) => caller.viaService,
    'kms:wrappingalgorithm': member('WrappingAlgorithm'),
    'kms:wrappingkeyspec': member('WrappingKeySpec'),
  } satisfies Record<string, Resolver>),
);

/** Multi-Region keys only. What ReplicateKey makes is a replica, though the key that it is asked with is not. */
const multiRegionKeyType: Resolver = ({ key, operation, role, input }) => {
  if (key === undefined) return operation === 'CreateKey' && input.MultiRegion === true ? 'PRIMARY' : undefined;
  if (!key.record.multiRegion) return undefined;
  return isReplica(key.record) || (operation === 'ReplicateKey' && role === undefined) ? 'REPLICA' : 'PRIMARY';
};
resolvers.set('kms:multiregionkeytype', multiRegionKeyType);

for (let index = 0; index < 32; index += 1) resolvers.set(`kms:recipientattestation:pcr${index}`, measurement(index));

const contextPrefix = 'kms:encryptioncontext:';

/** By the names in lower case. Made once for a context, since a policy can ask for a thousand of its thousand pairs. */
const lowered = new WeakMap<TextMap, ReadonlyMap<string, readonly string[]>>();
function byLowerName(context: TextMap): ReadonlyMap<string, readonly string[]> {
  const known = lowered.get(context);
  if (known !== undefined) return known;
  const values = new Map<string, string[]>();
  for (const [name, value] of Object.entries(context)) {
    const lower = name.toLowerCase();
    const same = values.get(lower);
    if (same === undefined) values.set(lower, [value]);
    else same.push(value);
  }
  lowered.set(context, values);
  return values;
}

export function kmsFacts(key: string, source: FactSource): Fact {
  const resolver = resolvers.get(key);
  if (resolver !== undefined) return resolver(source);
  if (!key.startsWith(contextPrefix)) return undefined;
  return single(byLowerName(encryptionContextOf(source)).get(key.slice(contextPrefix.length)) ?? []);
}
