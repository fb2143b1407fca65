/**
 * The key-state table: operation × key state → allowed, or the error AWS KMS gives. Data only; the pipeline, the docs and the tests read it.
 * Source: AWS KMS Developer Guide, "Key states of AWS KMS keys". Where the guide allows two errors, the one that AWS sends is used.
 */
import { KmsError, type KmsErrorCode } from '#shared/errors.ts';
import { stateOf } from '#shared/key-stores/key-store-record.ts';
import type { KeyState } from './key-record.ts';

const refusals = {
  disabled: ['DisabledException', 'is disabled.'],
  pendingDeletion: ['KMSInvalidStateException', 'is pending deletion.'],
  notPendingDeletion: ['KMSInvalidStateException', 'is not pending deletion.'],
  pendingImport: ['KMSInvalidStateException', 'is pending import.'],
  externalOrigin: ['UnsupportedOperationException', 'origin is EXTERNAL which is not valid for this operation.'],
  unavailable: ['KMSInvalidStateException', 'is unavailable.'],
  creating: ['KMSInvalidStateException', 'is creating.'],
  updating: ['KMSInvalidStateException', 'is updating.'],
} as const satisfies Record<string, readonly [KmsErrorCode, string]>;

export type StateRule = 'ok' | keyof typeof refusals;
export type StateRow = Readonly<Record<KeyState, StateRule>>;

const row = (
  Enabled: StateRule,
  Disabled: StateRule,
  PendingDeletion: StateRule,
  PendingImport: StateRule,
  Unavailable: StateRule,
  Creating: StateRule,
  Updating: StateRule,
): StateRow => ({
  Enabled,
  Disabled,
  PendingDeletion,
  PendingReplicaDeletion: PendingDeletion,
  PendingImport,
  Unavailable,
  Creating,
  Updating,
});

const any = row('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok');
const use = row('ok', 'disabled', 'pendingDeletion', 'pendingImport', 'unavailable', 'creating', 'ok');
const describe = row('ok', 'ok', 'pendingDeletion', 'ok', 'ok', 'ok', 'ok');
const toggle = row('ok', 'ok', 'pendingDeletion', 'pendingImport', 'ok', 'creating', 'updating');
// Unlike those of AWS, keys of a custom key store are rotated (docs/adr/0023), so an unavailable one is refused for that alone.
const rotate = row('ok', 'disabled', 'pendingDeletion', 'externalOrigin', 'unavailable', 'creating', 'ok');

export const stateTable = {
  CancelKeyDeletion: row('notPendingDeletion', 'notPendingDeletion', 'ok', 'notPendingDeletion', 'notPendingDeletion', 'notPendingDeletion', 'notPendingDeletion'),
  CreateAlias: describe,
  Decapsulate: use,
  CreateGrant: row('ok', 'disabled', 'pendingDeletion', 'pendingImport', 'ok', 'creating', 'ok'),
  CreateKeyVersion: rotate,
  Decrypt: use,
  DeleteAlias: any,
  DeleteKey: row('notPendingDeletion', 'notPendingDeletion', 'ok', 'notPendingDeletion', 'notPendingDeletion', 'notPendingDeletion', 'notPendingDeletion'),
  DeleteExpiredKeyMaterial: any,
  DeleteImportedKeyMaterial: row('ok', 'ok', 'ok', 'ok', 'unavailable', 'creating', 'updating'),
  DeriveSharedSecret: use,
  DescribeKey: any,
  DisableKey: toggle,
  DisableKeyRotation: rotate,
  EnableKey: toggle,
  EnableKeyRotation: rotate,
  Encapsulate: use,
  Encrypt: use,
  GenerateDataKey: use,
  GenerateDataKeyPair: use,
  GenerateDataKeyPairWithoutPlaintext: use,
  GenerateDataKeyWithoutPlaintext: use,
  GenerateMac: use,
  GetKeyJwks: use,
  GetKeyLastUsage: any,
  GetKeyPolicy: any,
  GetKeyRotationStatus: row('ok', 'ok', 'ok', 'externalOrigin', 'ok', 'ok', 'ok'),
  GetParametersForImport: row('ok', 'ok', 'pendingDeletion', 'ok', 'unavailable', 'creating', 'updating'),
  GetKeyVersionPublicKey: use,
  GetPublicKey: use,
  ImportKeyMaterial: row('ok', 'ok', 'pendingDeletion', 'ok', 'unavailable', 'creating', 'ok'),
  ListAliases: any,
  ListGrants: any,
  ListKeyPolicies: any,
  ListKeyRotations: any,
  ListKeyVersions: any,
  ListResourceTags: any,
  PutKeyPolicy: any,
  PutKeyVersionRule: describe,
  ReEncrypt: use,
  ReplicateKey: row('ok', 'disabled', 'pendingDeletion', 'pendingImport', 'unavailable', 'creating', 'updating'),
  RetireGrant: any,
  RevokeGrant: any,
  RotateKey: rotate,
  // Imported material can be rotated on demand, once all of it is there.
  RotateKeyOnDemand: { ...rotate, PendingImport: 'pendingImport' },
  ScheduleKeyDeletion: row('ok', 'ok', 'pendingDeletion', 'ok', 'ok', 'ok', 'updating'),
  Sign: use,
  Simulate: any,
  SynchronizeMultiRegionKey: any,
  TagResource: describe,
  UntagResource: describe,
  UpdateAlias: describe,
  UpdateKeyDescription: describe,
  UpdateKeyVersion: describe,
  UpdatePrimaryRegion: row('ok', 'disabled', 'pendingDeletion', 'pendingImport', 'unavailable', 'creating', 'ok'),
  Verify: use,
  VerifyMac: use,
} as const satisfies Record<string, StateRow>;

export function stateRowOf(operation: string): StateRow | undefined {
  return Object.hasOwn(stateTable, operation) ? stateTable[operation as keyof typeof stateTable] : undefined;
}

/** For people: `yes`, or the error and what it says. */
export const describeRule = (rule: StateRule): string => (rule === 'ok' ? 'yes' : `${refusals[rule][0]}: ${refusals[rule][1]}`);

/** Every error that a key's state can give the operation. */
export function stateErrorsOf(operation: string): readonly KmsErrorCode[] {
  const rules = Object.values(stateRowOf(operation) ?? {});
  return [...new Set(rules.flatMap((rule) => (rule === 'ok' ? [] : [refusals[rule][0]])))];
}

/** @throws KmsError as the table says */
export function requireState(operation: string, key: { readonly arn: string } & Parameters<typeof stateOf>[0]): void {
  const rules = stateRowOf(operation);
  if (rules === undefined) throw new Error(`The state table has no row for ${operation}.`);
  const rule = rules[stateOf(key)];
  if (rule === 'ok') return;
  const [code, text] = refusals[rule];
  throw new KmsError(code, `${key.arn} ${text}`);
}
