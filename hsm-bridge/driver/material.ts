/** Making key material and opening it again. */
import { timingSafeEqual } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { encodeMaterialBinding, type UnsealedMaterial } from '../binding.ts';
import { ecPublicKeyInfo, rsaPublicKeyInfo } from '../der.ts';
import type { DomainKeys, Driver } from './driver.ts';
import { domainHmac } from './mac.ts';
import type { Handle } from './module.ts';
import { HsmError, type Sessions } from './sessions.ts';
import { keyTemplate, publicKeyTemplate } from './templates.ts';

/** The row is not what the HSM authenticated, or belongs to keys that this HSM does not hold. */
export class MaterialRefused extends Error {
  override readonly name = 'MaterialRefused';
}

/** What is decided before the HSM makes the key. */
export type KeyRequest = Omit<UnsealedMaterial, 'wrapped' | 'publicKey' | 'epoch'>;

/** Wrapped keys are at most 2.4 KB (RSA_4096). */
const wrappedBytesMax = 4096;

/** Generates as a session object, wraps under the current KEK, authenticates, forgets the key. */
export function generateMaterial(driver: Driver, request: KeyRequest): KeyMaterial {
  const epoch = driver.epochs[0];
  if (epoch === undefined) throw new HsmError('token-lost', 'no epoch');
  const { sessions } = driver;
  const { secret, publicKey } = generate(sessions, request);
  try {
    return sealMaterial(driver, epoch, request, wrap(sessions, epoch, secret), publicKey);
  } finally {
    destroy(sessions, secret);
  }
}

/** The key under the KEK of an epoch. */
export function wrap(sessions: Sessions, epoch: DomainKeys, key: Handle): Buffer {
  return sessions.operate('other', (session) => sessions.module.C_WrapKey(session, wrapMechanism(sessions), epoch.kek, key, Buffer.alloc(wrappedBytesMax)));
}

/** The row of a wrapped key: everything that its tag covers, and the tag. */
export function sealMaterial({ domain, sessions }: Driver, epoch: DomainKeys, request: KeyRequest, wrapped: Buffer, publicKey: Buffer | undefined): KeyMaterial {
  const unsealed: UnsealedMaterial = {
    ...request,
    epoch: epoch.epoch,
    ...(publicKey === undefined ? {} : { publicKey: publicKey.toString('base64') }),
    wrapped: wrapped.toString('base64'),
  };
  return { ...unsealed, tag: domainHmac(sessions, epoch.mac, encodeMaterialBinding(domain, unsealed)).toString('base64') };
}

/**
 * The only door to a stored row: checks its HMAC in constant time.
 * @throws MaterialRefused
 */
export function checkMaterial(driver: Driver, material: KeyMaterial): DomainKeys {
  const epoch = driver.epochs.find((candidate) => candidate.epoch === material.epoch);
  if (epoch === undefined) throw new MaterialRefused('its epoch has no keys in this HSM');
  if (![material.wrapped, material.tag, material.publicKey ?? ''].every(isCanonicalBase64)) throw new MaterialRefused('its base64 is not canonical');
  const expected = domainHmac(driver.sessions, epoch.mac, encodeMaterialBinding(driver.domain, material));
  const tag = Buffer.from(material.tag, 'base64');
  if (tag.length !== expected.length || !timingSafeEqual(tag, expected)) throw new MaterialRefused('its tag does not fit');
  return epoch;
}

/** @returns the handle of a session object that can do what the authenticated spec and usage say, nothing else. */
export function openMaterial(driver: Driver, material: KeyMaterial): Handle {
  const epoch = checkMaterial(driver, material);
  const { sessions } = driver;
  const wrapped = Buffer.from(material.wrapped, 'base64');
  return sessions.own('unwrap', (session) => sessions.module.C_UnwrapKey(session, wrapMechanism(sessions), epoch.kek, wrapped, keyTemplate(material.keySpec, material.keyUsage)));
}

/** A key that is gone already is what was wanted. */
export function destroy(sessions: Sessions, key: Handle): void {
  try {
    sessions.own('other', (session) => sessions.module.C_DestroyObject(session, key));
  } catch (error) {
    if (!(error instanceof HsmError && error.outcome === 'stale-key')) throw error;
  }
}

function generate(sessions: Sessions, { keySpec, keyUsage }: KeyRequest): { secret: Handle; publicKey?: Buffer } {
  const descriptor = describeKeySpec(keySpec);
  const { module, profile } = sessions;
  const template = keyTemplate(keySpec, keyUsage);
  if (descriptor.kind === 'aes' || descriptor.kind === 'hmac') {
    const mechanism = descriptor.kind === 'aes' ? pkcs11.CKM_AES_KEY_GEN : pkcs11.CKM_GENERIC_SECRET_KEY_GEN;
    const sized = [...template, { type: pkcs11.CKA_VALUE_LEN, value: descriptor.keyBytes }];
    return { secret: sessions.own('other', (session) => module.C_GenerateKey(session, { mechanism }, sized)) };
  }
  const mechanism = descriptor.kind === 'rsa' ? profile.rsaKeyPairMechanism : pkcs11.CKM_EC_KEY_PAIR_GEN;
  const pair = sessions.own('other', (session) => module.C_GenerateKeyPair(session, { mechanism }, publicKeyTemplate(keySpec, keyUsage), template));
  try {
    return { secret: pair.privateKey, publicKey: readPublicKey(sessions, pair.publicKey, keySpec) };
  } catch (error) {
    destroy(sessions, pair.privateKey);
    throw error;
  } finally {
    destroy(sessions, pair.publicKey);
  }
}

export function readPublicKey(sessions: Sessions, key: Handle, spec: KeySpec): Buffer {
  const descriptor = describeKeySpec(spec);
  const read = (...types: number[]): Buffer[] =>
    sessions
      .operate('other', (session) =>
        sessions.module.C_GetAttributeValue(
          session,
          key,
          types.map((type) => ({ type })),
        ),
      )
      .map(({ value }) => value as Buffer);
  if (descriptor.kind === 'ec') return ecPublicKeyInfo(descriptor.oidDer, read(pkcs11.CKA_EC_POINT)[0]!);
  const [modulus, exponent] = read(pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT);
  return rsaPublicKeyInfo(modulus!, exponent!);
}

export const wrapMechanism = (sessions: Sessions) => ({ mechanism: sessions.profile.wrapMechanism });

/** Two texts for the same bytes would be two rows for one tag. */
const isCanonicalBase64 = (value: string): boolean => Buffer.from(value, 'base64').toString('base64') === value;
