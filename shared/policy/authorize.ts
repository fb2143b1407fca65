/**
 * Authorization in the pipeline: for every key that a request names, and for what it does beside keys, before any rule about the key itself. Refusals
 * tell nobody more than they may know (threat T-12): to a caller whose own documents do not allow the action, a key that is missing and a key that is
 * out of reach look the same.
 */
import { KmsError } from '#shared/errors.ts';
import { aliasArn, keyArn } from '#shared/keys/arn.ts';
import { type Operation, permissionFor } from '#shared/operation.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { LoadedKey, ReferencedLookup } from '#shared/repositories/key-reader.ts';
import type { Decision } from './decide.ts';
import type { RequestAccess } from './request-access.ts';

/** AWS KMS Developer Guide, "Creating KMS keys that other accounts can use": the only permissions that reach a key of another account. */
const crossAccountPermissions: ReadonlySet<string> = new Set([
  'kms:CreateGrant',
  'kms:Decapsulate',
  'kms:Decrypt',
  'kms:DeriveSharedSecret',
  'kms:DescribeKey',
  'kms:Encapsulate',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyPair',
  'kms:GenerateDataKeyPairWithoutPlaintext',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:GenerateMac',
  'kms:GetKeyRotationStatus',
  'kms:GetPublicKey',
  'kms:ListGrants',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:RetireGrant',
  'kms:RevokeGrant',
  'kms:Sign',
  'kms:Verify',
  'kms:VerifyMac',
]);

export interface AuthorizationCase {
  readonly operation: Operation;
  readonly caller: Caller;
  readonly partition: string;
  readonly access: RequestAccess;
}

/**
 * @returns the key, when it exists and the caller may do this with it
 * @throws KmsError NotFoundException for missing keys of the caller's account, when the caller may know; AccessDeniedException otherwise
 */
export function authorizeKey(request: AuthorizationCase, role: string, lookup: ReferencedLookup): LoadedKey {
  const action = permissionFor(request.operation, role);
  if (!lookup.found) throw missing(request, action, lookup);
  const { key } = lookup;
  const isForeign = key.record.account !== request.caller.account;
  if (isForeign && (!crossAccountPermissions.has(action) || request.operation.authorization === 'identity')) throw denied(request, action, lookup, undefined);
  // The operation looks at the grant itself; the key is only what the grant is on.
  if (request.operation.authorization === 'own') return key;
  const decision = request.operation.authorization === 'identity' ? request.access.byIdentity(action, key.arn, key) : request.access.onKey(action, key, role);
  if (decision.outcome !== 'allowed') throw denied(request, action, lookup, decision);
  return key;
}

/** What a request does beside keys: by identity documents alone. @throws KmsError AccessDeniedException */
export function authorizeResources(request: AuthorizationCase, input: Record<string, unknown>, keys: Readonly<Record<string, LoadedKey>>): void {
  const { operation, caller, partition, access } = request;
  const resources = operation.resources?.(input, { partition, caller }) ?? (Object.keys(keys).length > 0 ? [] : [{ arn: '*' }]);
  for (const { arn, permission = permissionFor(operation, ''), ofRole } of resources) {
    const decision = access.byIdentity(permission, arn, ofRole === undefined ? undefined : keys[ofRole]);
    if (decision.outcome !== 'allowed') throw refusal(caller, permission, arn, byDocuments(decision, permission));
  }
}

/** What a refusal is made of. */
type Asking = Pick<AuthorizationCase, 'caller' | 'partition' | 'access'>;

/** For operations that decide by themselves: the same words as the pipeline's own refusals. */
export const deniedAction = (ctx: Asking, action: string, key: LoadedKey): KmsError => denied(ctx, action, { found: true, key, fromCiphertext: false }, undefined);

/** Precondition: the decision is an explicit deny. */
function denyOf({ grounds: [ground] }: Decision): string {
  if (ground?.source === 'work-bound') return 'because the policies that apply cannot be evaluated with values as long as those of the request';
  return `with an explicit deny in ${ground?.source === 'key-policy' ? 'a resource' : 'an identity'}-based policy`;
}
const notAllowed = (action: string): string => `because no identity-based policy allows the ${action} action`;
/** Why the caller's own documents are in the way: the one reason that says nothing about what lies behind the identifier. */
const byDocuments = (blind: Decision, action: string): string => (blind.outcome === 'explicitly-denied' ? denyOf(blind) : notAllowed(action));
const outOfReach = 'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access';

const refusal = (caller: Caller, action: string, arn: string, reason: string): KmsError =>
  new KmsError('AccessDeniedException', `User: ${caller.principalArn} is not authorized to perform: ${action} on resource: ${arn} ${reason}`);

const ofCiphertext = (): KmsError =>
  new KmsError('AccessDeniedException', 'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.');

type Missing = Extract<ReferencedLookup, { found: false }>;
type Found = Extract<ReferencedLookup, { found: true }>;

/** What the caller would be told if there were nothing under this identifier: the measure of what it may know. */
function decideBlind({ access, partition, caller }: Asking, action: string, wanted: { arn: string; isAlias: boolean }): Decision {
  // The key behind an alias that does not exist has no id: the documents are asked about one that no key has.
  const nobody = keyArn(partition, { account: caller.account, region: caller.region, keyId: '00000000-0000-0000-0000-000000000000' });
  return access.byIdentity(action, wanted.isAlias ? nobody : wanted.arn);
}

function missing(request: Asking, action: string, lookup: Missing): KmsError {
  const { caller } = request;
  if (lookup.fromCiphertext) return ofCiphertext();
  if (lookup.identifier.account !== caller.account) return refusal(caller, action, lookup.arn, outOfReach);
  const isAlias = lookup.identifier.kind === 'alias';
  const blind = decideBlind(request, action, { arn: lookup.arn, isAlias });
  if (blind.outcome === 'allowed') return new KmsError('NotFoundException', isAlias ? `Alias ${lookup.arn} is not found.` : `Key '${lookup.arn}' does not exist`);
  return refusal(caller, action, lookup.arn, byDocuments(blind, action));
}

function denied(request: Asking, action: string, { key, fromCiphertext }: Found, decision: Decision | undefined): KmsError {
  const { caller, partition } = request;
  if (fromCiphertext) return ofCiphertext();
  const { account, region } = key.record;
  const arn = key.requestAlias === undefined ? key.arn : aliasArn(partition, { account, region, aliasName: key.requestAlias });
  if (account !== caller.account) return refusal(caller, action, arn, outOfReach);
  const blind = decideBlind(request, action, { arn, isAlias: key.requestAlias !== undefined });
  if (blind.outcome !== 'allowed') return refusal(caller, action, arn, byDocuments(blind, action));
  if (decision?.outcome !== 'explicitly-denied') return refusal(caller, action, arn, outOfReach);
  return refusal(caller, action, arn, denyOf(decision));
}
