/** Grants: what they hold, which operations suit a key, and when one allows a request. AWS KMS Developer Guide, "Grants in AWS KMS". */
import { describeKeySpec, type KeySpec, type KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { DecisionRequest } from './request-facts.ts';

export const grantOperations = [
  'CreateGrant',
  'Decapsulate',
  'Decrypt',
  'DeriveSharedSecret',
  'DescribeKey',
  'Encapsulate',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'GetPublicKey',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
  'Sign',
  'Verify',
  'VerifyMac',
] as const;
export type GrantOperation = (typeof grantOperations)[number];

type TextMap = Readonly<Record<string, string>>;

export interface GrantConstraints {
  readonly EncryptionContextEquals?: TextMap | undefined;
  readonly EncryptionContextSubset?: TextMap | undefined;
  readonly SourceArn?: string | undefined;
}

export interface GrantRecord {
  /** 64 hexadecimal digits. */
  readonly grantId: string;
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** ARN, or the name of an AWS service. Roles without their path. */
  readonly grantee: string;
  readonly retiring?: string | undefined;
  readonly issuingAccount: string;
  readonly operations: readonly GrantOperation[];
  readonly constraints?: GrantConstraints | undefined;
  readonly name?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

const anyKey = ['CreateGrant', 'DescribeKey', 'RetireGrant'] as const;
const reEncrypt = ['ReEncryptFrom', 'ReEncryptTo'] as const;
const dataKeys = ['GenerateDataKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'GenerateDataKeyWithoutPlaintext'] as const;

const ofUsage: Readonly<Record<string, readonly GrantOperation[]>> = {
  SIGN_VERIFY: ['Sign', 'Verify', 'GetPublicKey'],
  KEY_AGREEMENT: ['DeriveSharedSecret', 'GetPublicKey'],
  ENCAPSULATE_DECAPSULATE: ['Encapsulate', 'Decapsulate', 'GetPublicKey'],
  GENERATE_VERIFY_MAC: ['GenerateMac', 'VerifyMac'],
};

/** The operations that a grant on such a key can permit. */
export function grantOperationsFor(key: { readonly keySpec: KeySpec; readonly keyUsage: KeyUsage }): readonly GrantOperation[] {
  if (key.keyUsage !== 'ENCRYPT_DECRYPT') return [...anyKey, ...(ofUsage[key.keyUsage] ?? [])];
  const isSymmetric = describeKeySpec(key.keySpec).kind === 'aes';
  return [...anyKey, 'Encrypt', 'Decrypt', ...reEncrypt, ...(isSymmetric ? dataKeys : (['GetPublicKey'] as const))];
}

/** What a decision about a grant needs beside the request itself. */
export interface GrantRequest {
  readonly encryptionContext: TextMap;
  /** CreateGrant: the grant that is to be made. */
  readonly child?: { readonly operations: readonly string[]; readonly constraints: GrantConstraints | undefined } | undefined;
}

/** Precondition: the grant is on the request's key, and its grantee is one of the caller's names. */
export function grantAllows(grant: GrantRecord, request: DecisionRequest, extra: GrantRequest): boolean {
  const operation = request.action.slice('kms:'.length);
  if (!grant.operations.some((permitted) => permitted === operation)) return false;
  const { constraints } = grant;
  if (operation === 'CreateGrant') return childIsAsStrict(grant, extra.child);
  if (constraints === undefined || operation === 'RetireGrant') return true;
  if (constraints.SourceArn !== undefined && !sourceMatches(constraints.SourceArn, operation, request)) return false;
  return operation === 'DescribeKey' || contextSatisfies(constraints, extra.encryptionContext);
}

/** DescribeKey is held to the constraint when the request says on whose behalf it is made. */
function sourceMatches(wanted: string, operation: string, { facts }: DecisionRequest): boolean {
  const actual = facts.get('aws:sourcearn');
  return actual === wanted || (operation === 'DescribeKey' && actual === undefined);
}

/** In a constraint the keys are compared without case and the values with it (API Reference, GrantConstraints). Keys that differ in case only match nothing. */
function lowerKeys(context: TextMap): ReadonlyMap<string, string> | undefined {
  const known = lowered.get(context);
  if (known !== undefined) return known.pairs;
  const entries = Object.entries(context);
  const lower = new Map(entries.map(([key, value]) => [key.toLowerCase(), value]));
  const pairs = lower.size === entries.length ? lower : undefined;
  lowered.set(context, { pairs });
  return pairs;
}
/** Once for a context: hundreds of grants may ask about the same one. */
const lowered = new WeakMap<TextMap, { readonly pairs: ReadonlyMap<string, string> | undefined }>();

const includes = (whole: ReadonlyMap<string, string>, part: ReadonlyMap<string, string>): boolean => [...part].every(([key, value]) => whole.get(key) === value);

function contextSatisfies({ EncryptionContextEquals: equals, EncryptionContextSubset: subset }: GrantConstraints, context: TextMap): boolean {
  if (equals === undefined && subset === undefined) return true;
  const actual = lowerKeys(context);
  if (actual === undefined) return false;
  const wantedEquals = equals === undefined ? undefined : lowerKeys(equals);
  const wantedSubset = subset === undefined ? undefined : lowerKeys(subset);
  if (equals !== undefined && (wantedEquals === undefined || wantedEquals.size !== actual.size || !includes(actual, wantedEquals))) return false;
  return subset === undefined || (wantedSubset !== undefined && includes(actual, wantedSubset));
}

/** A grant made through a grant permits no operation more, and is constrained at least as much. */
function childIsAsStrict(parent: GrantRecord, child: GrantRequest['child']): boolean {
  if (child === undefined || !child.operations.every((operation) => parent.operations.some((permitted) => permitted === operation))) return false;
  const { constraints } = parent;
  if (constraints === undefined) return true;
  if (constraints.SourceArn !== undefined && child.constraints?.SourceArn !== constraints.SourceArn) return false;
  if (constraints.EncryptionContextEquals === undefined && constraints.EncryptionContextSubset === undefined) return true;
  // Equals pins the whole context, so it must satisfy the parent; Subset leaves room, which a parent's Equals does not.
  const own = child.constraints;
  if (own?.EncryptionContextEquals !== undefined) return contextSatisfies(constraints, own.EncryptionContextEquals);
  return own?.EncryptionContextSubset !== undefined && constraints.EncryptionContextEquals === undefined && contextSatisfies(constraints, own.EncryptionContextSubset);
}
