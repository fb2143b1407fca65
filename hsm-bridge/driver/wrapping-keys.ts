/** RSA keys that callers wrap their material with. They live in the HSM for one job; between two jobs their private half is inside the import token. */
import { timingSafeEqual } from 'node:crypto';
import { encodeImportToken, type ImportTokenPayload, splitImportToken } from '#shared/keys/import-token.ts';
import { encodeImportTokenSeal } from '../binding.ts';
import type { Driver } from './driver.ts';
import { ImportRefused } from './import-refused.ts';
import { domainHmac } from './mac.ts';
import { destroy, readPublicKey, wrap, wrapMechanism } from './material.ts';
import type { Handle } from './module.ts';
import { HsmError } from './sessions.ts';
import { publicKeyTemplate, wrappingKeyTemplate } from './templates.ts';

export type WrappingKeyRequest = Omit<ImportTokenPayload, 'epoch' | 'wrappedKey'>;

/** @returns the SubjectPublicKeyInfo and the token. */
export function makeWrappingKey(driver: Driver, request: WrappingKeyRequest): [Buffer, Buffer] {
  const { sessions, domain } = driver;
  const { module, profile } = sessions;
  const epoch = driver.epochs[0];
  if (epoch === undefined) throw new HsmError('token-lost', 'no epoch');
  const template = publicKeyTemplate(request.wrappingKeySpec, 'ENCRYPT_DECRYPT');
  const pair = sessions.own('other', (session) => module.C_GenerateKeyPair(session, { mechanism: profile.rsaKeyPairMechanism }, template, wrappingKeyTemplate()));
  try {
    const publicKey = readPublicKey(sessions, pair.publicKey, request.wrappingKeySpec);
    const payload = encodeImportToken({ ...request, epoch: epoch.epoch, wrappedKey: wrap(sessions, epoch, pair.privateKey) });
    return [publicKey, Buffer.concat([payload, domainHmac(sessions, epoch.mac, encodeImportTokenSeal(domain, payload))])];
  } finally {
    destroy(sessions, pair.privateKey);
    destroy(sessions, pair.publicKey);
  }
}

/**
 * Runs the action with the private half of the token's wrapping key as a session object.
 * @throws ImportRefused when the token was not made by this HSM for this key.
 */
export function withWrappingKey<T>(
  driver: Driver,
  key: { readonly account: string; readonly region: string; readonly keyId: string },
  token: Buffer,
  action: (wrappingKey: Handle, payload: ImportTokenPayload) => T,
): T {
  const { sessions, domain } = driver;
  const parts = splitImportToken(token);
  const epoch = driver.epochs.find((candidate) => candidate.epoch === parts?.payload.epoch);
  if (parts === undefined || epoch === undefined) throw new ImportRefused('invalid-import-token', 'not a token of this HSM');
  const expected = domainHmac(sessions, epoch.mac, encodeImportTokenSeal(domain, parts.authenticated));
  if (!timingSafeEqual(expected, parts.tag)) throw new ImportRefused('invalid-import-token', 'its tag does not fit');
  for (const name of ['account', 'region', 'keyId'] as const) if (parts.payload[name] !== key[name]) throw new ImportRefused('invalid-import-token', `its ${name} is another one`);
  const wrapped = Buffer.from(parts.payload.wrappedKey);
  const wrappingKey = sessions.own('unwrap', (session) => sessions.module.C_UnwrapKey(session, wrapMechanism(sessions), epoch.kek, wrapped, wrappingKeyTemplate()));
  try {
    return action(wrappingKey, parts.payload);
  } finally {
    destroy(sessions, wrappingKey);
  }
}
