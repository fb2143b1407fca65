/**
 * The key-state table of the AWS KMS Developer Guide ("Key states of AWS KMS keys"), written down from the guide and not from the code. Columns:
 * Enabled, Disabled, PendingDeletion (and PendingReplicaDeletion), PendingImport, Unavailable, Creating, Updating. The numbers are the guide's footnotes.
 */
import type { KeyState } from '#shared/keys/key-record.ts';

/** `ok`, or the footnote that says which error. Where the guide leaves two errors open, the one AWS was seen to send. */
export type Cell = 'ok' | 1 | 3 | 4 | 5 | 6 | 11 | 14 | 15;

export const footnotes: Readonly<Record<Exclude<Cell, 'ok'>, { readonly code: string; readonly message: string }>> = {
  1: { code: 'DisabledException', message: 'is disabled.' },
  3: { code: 'KMSInvalidStateException', message: 'is pending deletion.' },
  4: { code: 'KMSInvalidStateException', message: 'is not pending deletion.' },
  5: { code: 'KMSInvalidStateException', message: 'is pending import.' },
  6: { code: 'UnsupportedOperationException', message: 'origin is EXTERNAL which is not valid for this operation.' },
  11: { code: 'KMSInvalidStateException', message: 'is unavailable.' },
  14: { code: 'KMSInvalidStateException', message: 'is creating.' },
  15: { code: 'KMSInvalidStateException', message: 'is updating.' },
};

export const columns: readonly KeyState[] = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport', 'Unavailable', 'Creating', 'Updating', 'PendingReplicaDeletion'];

type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell];
const always: Row = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'];
const use: Row = ['ok', 1, 3, 5, 11, 14, 'ok'];
const change: Row = ['ok', 'ok', 3, 'ok', 'ok', 'ok', 'ok'];
const toggle: Row = ['ok', 'ok', 3, 5, 'ok', 14, 15];
// The guide's footnote 7 says that keys of custom key stores are not rotated. Here they are, so only their being unavailable is in the way (docs/adr/0023).
const rotation: Row = ['ok', 1, 3, 6, 11, 14, 'ok'];

const rows: Readonly<Record<string, Row>> = {
  CancelKeyDeletion: [4, 4, 'ok', 4, 4, 4, 4],
  CreateAlias: change,
  CreateGrant: ['ok', 1, 3, 5, 'ok', 14, 'ok'],
  // No key of a custom key store is a multi-Region key; refusing is the one safe reading of the empty cell.
  ReplicateKey: ['ok', 1, 3, 5, 11, 14, 15],
  UpdatePrimaryRegion: ['ok', 1, 3, 5, 11, 14, 'ok'],
  ListGrants: always,
  RetireGrant: always,
  RevokeGrant: always,
  TagResource: change,
  UntagResource: change,
  UpdateKeyDescription: change,
  Encrypt: use,
  Decrypt: use,
  ReEncrypt: use,
  GenerateDataKey: use,
  GenerateDataKeyWithoutPlaintext: use,
  GenerateDataKeyPair: use,
  GenerateDataKeyPairWithoutPlaintext: use,
  // The guide has no entry for Unavailable here, since keys of custom key stores were symmetric only. Refusing is the one safe reading.
  GenerateMac: use,
  VerifyMac: use,
  Sign: use,
  Verify: use,
  GetPublicKey: use,
  // Younger than the table: their API Reference asks for a compatible key state, as every cryptographic operation does.
  DeriveSharedSecret: use,
  Encapsulate: use,
  Decapsulate: use,
  DescribeKey: always,
  DeleteAlias: always,
  GetKeyPolicy: always,
  PutKeyPolicy: always,
  ListAliases: always,
  ListKeyPolicies: always,
  ListResourceTags: always,
  DisableKey: toggle,
  EnableKey: toggle,
  EnableKeyRotation: rotation,
  DisableKeyRotation: rotation,
  GetKeyRotationStatus: ['ok', 'ok', 'ok', 6, 'ok', 'ok', 'ok'],
  ScheduleKeyDeletion: ['ok', 'ok', 3, 'ok', 'ok', 'ok', 15],
  // Footnote 10: it fails only when the key that the alias moves to is pending deletion.
  UpdateAlias: change,
  // Footnote 9 (no imported material) is about the origin. Unavailable keys are of custom key stores, so their cells say nothing; refusing is the one safe reading.
  GetParametersForImport: ['ok', 'ok', 3, 'ok', 11, 14, 15],
  ImportKeyMaterial: ['ok', 'ok', 3, 'ok', 11, 14, 'ok'],
  DeleteImportedKeyMaterial: ['ok', 'ok', 'ok', 'ok', 11, 14, 15],
  // Younger than the table: rotation on demand as EnableKeyRotation, but for imported material, which can be rotated when it is there; reading the list as the other lists (API Reference of each).
  RotateKeyOnDemand: ['ok', 1, 3, 5, 11, 14, 'ok'],
  ListKeyRotations: always,
  // Not in the guide: it looks at the key and changes nothing.
  Simulate: always,
  GetKeyLastUsage: always,
  // Beyond AWS: making a version is a rotation, the public halves are as GetPublicKey, the rest changes or reads what the key's record says.
  CreateKeyVersion: rotation,
  GetKeyJwks: use,
  GetKeyVersionPublicKey: use,
  ListKeyVersions: always,
  PutKeyVersionRule: change,
  UpdateKeyVersion: change,
};

export function expectedCell(operation: string, state: KeyState): Cell {
  const row = rows[operation];
  if (row === undefined) throw new Error(`test/contract/data/key-states.ts has no row for ${operation}.`);
  return row[columns.indexOf(state === 'PendingReplicaDeletion' ? 'PendingDeletion' : state)]!;
}
