/** The row of a multi-Region key's material for another Region of the key. */
import type { KeyMaterial } from '#shared/keys/material.ts';
import { encodeMaterialBinding, encodeSeedContext } from '../binding.ts';
import { gcmEncrypt } from './aes-gcm.ts';
import type { DomainKeys, Driver } from './driver.ts';
import { domainHmac } from './mac.ts';
import { checkMaterial } from './material.ts';
import { withSeed } from './seed-material.ts';
import { withDomainKey } from './sessions.ts';

/**
 * Under the keys of the material's own epoch, so that an epoch that is destroyed takes the replicas with it.
 * @throws MaterialRefused
 */
export function rebindMaterial(driver: Driver, material: KeyMaterial, region: string): KeyMaterial {
  const epoch = checkMaterial(driver, material);
  const { tag: _, ...claims } = material;
  const moved = { ...claims, region };
  const unsealed = material.wrapMechanism === 'AES_GCM_SEED' ? { ...moved, wrapped: resealSeed(driver, epoch, material, region) } : moved;
  return { ...unsealed, tag: domainHmac(driver.sessions, epoch.mac, encodeMaterialBinding(driver.domain, unsealed)).toString('base64') };
}

/** A sealed seed names its Region in its additional data: it is opened and sealed again. */
function resealSeed(driver: Driver, epoch: DomainKeys, material: KeyMaterial, region: string): string {
  const { tag: _tag, wrapped: _wrapped, ...metadata } = material;
  return withSeed(driver, material, (seed) => {
    const { iv, ciphertext } = withDomainKey(() => gcmEncrypt(driver.sessions, epoch.seed, encodeSeedContext(driver.domain, { ...metadata, region }), seed));
    return Buffer.concat([iv, ciphertext]).toString('base64');
  });
}
