/** Jobs whose cryptography runs in this process: seeds, public-key operations on them, key pairs that leave the service. See jobs.ts for the rules. */
import { generateKeyPairSync } from 'node:crypto';
import { describeKeySpec, describeSeedSpec, type KeySpec, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { type MessageType, type SeedSigning, signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { gcmEncrypt } from './aes-gcm.ts';
import type { Driver } from './driver.ts';
import { deriveSharedSecret } from './key-agreement.ts';
import { decapsulateWithSeed, encapsulateTo, seedPkcs8, seedPublicKey, signWithSeed } from './seed-keys.ts';
import { randomSeed, withSeed } from './seed-material.ts';
import { HsmError } from './sessions.ts';

type Job = (driver: Driver, fields: Buffer[]) => Uint8Array[];

export interface SeedSigningHead {
  readonly algorithm: SigningAlgorithm;
  readonly messageType: MessageType;
}
export interface DataKeyPairHead {
  readonly spec: KeySpec;
  readonly wantPlaintext: boolean;
}

const none = Buffer.alloc(0);
const json = <T>(field: Buffer | undefined): T => JSON.parse((field as Buffer).toString('utf8')) as T;

/** Moves a secret into the arena, which is wiped after the job. */
function keep({ sessions }: Driver, secret: Uint8Array): Buffer {
  const kept = sessions.arena.take(secret.length);
  kept.set(secret);
  secret.fill(0);
  return kept;
}

export const softwareJobs = {
  /** [material, head, message] → [signature] */
  seedSign: (driver, [row, head, message]) => {
    const material = json<KeyMaterial>(row);
    const { algorithm, messageType } = json<SeedSigningHead>(head);
    return [withSeed(driver, material, (seed) => signWithSeed(material.keySpec, signingDescriptors[algorithm] as SeedSigning, messageType, seed, message!))];
  },
  /** [publicKey] → [sharedSecret, ciphertext] */
  encapsulate: (driver, [publicKey]) => {
    const { sharedKey, ciphertext } = encapsulateTo(json<string>(publicKey));
    return [keep(driver, sharedKey), ciphertext];
  },
  /** [material, ciphertext] → [sharedSecret] */
  decapsulate: (driver, [row, ciphertext]) => {
    const material = json<KeyMaterial>(row);
    // The only ciphertext that is refused; every other one gives a secret (FIPS 203 section 7.3).
    if (ciphertext!.length !== describeSeedSpec(material.keySpec).encapsulationBytes) throw new HsmError('invalid-ciphertext', 'not of the length of the parameter set');
    return [
      keep(
        driver,
        withSeed(driver, material, (seed) => decapsulateWithSeed(material.keySpec, seed, ciphertext!)),
      ),
    ];
  },
  /** [handle, spec, point] → [sharedSecret] */
  derive: (driver, [key, spec, point]) => [deriveSharedSecret(driver.sessions, key!, json<KeySpec>(spec), point!)],
  /** [handle, aad, head] → [iv, ciphertext, publicKey, privateKey or empty] */
  dataKeyPair: (driver, [key, aad, head]) => {
    const { spec, wantPlaintext } = json<DataKeyPairHead>(head);
    const { publicKey, privateKey } = generatePair(driver, spec);
    const { iv, ciphertext } = gcmEncrypt(driver.sessions, key!, aad!, privateKey);
    return [iv, ciphertext, publicKey, wantPlaintext ? privateKey : none];
  },
} as const satisfies Record<string, Job>;

/** PKCS #8, of seeds in seed format (API Reference, GenerateDataKeyPair), and SubjectPublicKeyInfo. Seeds come from the HSM; RSA and ECDSA pairs are made by OpenSSL, because they leave the service anyway. */
function generatePair(driver: Driver, spec: KeySpec): { publicKey: Buffer; privateKey: Buffer } {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind === 'seed') {
    const seed = randomSeed(driver, descriptor.seedBytes);
    return { publicKey: seedPublicKey(spec, seed), privateKey: keep(driver, seedPkcs8(spec, seed)) };
  }
  if (descriptor.kind !== 'rsa' && descriptor.kind !== 'ec') throw new Error(`${spec} is no key pair`);
  const pair = descriptor.kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: descriptor.modulusBits }) : generateKeyPairSync('ec', { namedCurve: descriptor.curve });
  return { publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }), privateKey: keep(driver, pair.privateKey.export({ format: 'der', type: 'pkcs8' })) };
}
