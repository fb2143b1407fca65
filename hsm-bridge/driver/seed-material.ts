/** Seeds: made by the HSM, encrypted by the HSM under its seed key, decrypted for one use at a time (docs/adr/0019). */
import { describeSeedSpec } from '#shared/algorithms/key-specs.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { encodeMaterialBinding, encodeSeedContext } from '../binding.ts';
import { gcmDecrypt, gcmEncrypt } from './aes-gcm.ts';
import type { Driver } from './driver.ts';
import { domainHmac } from './mac.ts';
import { type KeyRequest, MaterialRefused } from './material.ts';
import { seedPublicKey } from './seed-keys.ts';
import { HsmError, withDomainKey } from './sessions.ts';

const ivBytes = 12;

/** HSM randomness in the job's arena. */
export function randomSeed({ sessions }: Driver, bytes: number): Buffer {
  return sessions.operate('other', (session) => sessions.module.C_GenerateRandom(session, sessions.arena.take(bytes)));
}

export const generateSeedMaterial = (driver: Driver, request: KeyRequest): KeyMaterial =>
  sealSeed(driver, request, randomSeed(driver, describeSeedSpec(request.keySpec).seedBytes));

/** The row of a seed under the current epoch. */
export function sealSeed(driver: Driver, request: KeyRequest, seed: Buffer): KeyMaterial {
  const epoch = driver.epochs[0];
  if (epoch === undefined) throw new HsmError('token-lost', 'no epoch');
  const publicKey = seedPublicKey(request.keySpec, seed).toString('base64');
  const metadata = { ...request, epoch: epoch.epoch, publicKey };
  const { iv, ciphertext } = withDomainKey(() => gcmEncrypt(driver.sessions, epoch.seed, encodeSeedContext(driver.domain, metadata), seed));
  const unsealed = { ...metadata, wrapped: Buffer.concat([iv, ciphertext]).toString('base64') };
  return { ...unsealed, tag: domainHmac(driver.sessions, epoch.mac, encodeMaterialBinding(driver.domain, unsealed)).toString('base64') };
}

/**
 * Precondition: the row's tag was checked. The additional data binds the seed to the row once more, so a seed cannot move between rows even then.
 * @throws MaterialRefused
 */
export function withSeed<T>(driver: Driver, material: KeyMaterial, use: (seed: Buffer) => T): T {
  const epoch = driver.epochs.find((candidate) => candidate.epoch === material.epoch);
  if (epoch === undefined) throw new MaterialRefused('its epoch has no keys in this HSM');
  if (material.wrapMechanism !== 'AES_GCM_SEED') throw new MaterialRefused('it is no sealed seed');
  const sealed = Buffer.from(material.wrapped, 'base64');
  const seed = openSeed(driver, epoch.seed, material, sealed);
  try {
    return use(seed);
  } finally {
    seed.fill(0);
  }
}

function openSeed(driver: Driver, key: Buffer, material: KeyMaterial, sealed: Buffer): Buffer {
  let seed: Buffer;
  try {
    seed = withDomainKey(() => gcmDecrypt(driver.sessions, key, encodeSeedContext(driver.domain, material), sealed.subarray(0, ivBytes), sealed.subarray(ivBytes)));
  } catch (error) {
    if (error instanceof HsmError && error.outcome === 'invalid-ciphertext') throw new MaterialRefused('its seed does not open');
    throw error;
  }
  if (seed.length === describeSeedSpec(material.keySpec).seedBytes) return seed;
  seed.fill(0);
  throw new MaterialRefused('its seed has another length');
}
