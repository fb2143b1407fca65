/**
 * Takes a caller's wrapped material into the HSM, holds it to its key spec and gives it back as a row under the KEK. Where the HSM can do all of it,
 * the material is never in clear outside of it; where it cannot (profile.oaep, profile.importedPrivateKeys), it passes this thread's memory, which is
 * wiped: docs/adr/0021.
 */
import { randomBytes, verify } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type KeySpec, type KeyUsage } from '#shared/algorithms/key-specs.ts';
import { describeDigestSigning } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { ImportedKey, ImportKeyRequest, MaterialFingerprint } from '#shared/ports/crypto.ts';
import { encodeFingerprint, type UnsealedMaterial } from '../binding.ts';
import { publicKeyOfPkcs8 } from '../pkcs8.ts';
import { gcmEncrypt } from './aes-gcm.ts';
import type { DomainKeys, Driver } from './driver.ts';
import { type Envelope, envelopeOf, inject, openHead, type Template, unwrapTail, withMaterial, wrongLength } from './envelope.ts';
import { ImportRefused } from './import-refused.ts';
import { domainHmac } from './mac.ts';
import { destroy, type KeyRequest, readPublicKey, sealMaterial, wrap } from './material.ts';
import type { Handle } from './module.ts';
import { publicKeyOf } from './public-keys.ts';
import { seedOfPkcs8, seedPublicKey } from './seed-keys.ts';
import { sealSeed } from './seed-material.ts';
import { HsmError, type Sessions } from './sessions.ts';
import { sign } from './signing.ts';
import { keyTemplate } from './templates.ts';
import { withWrappingKey } from './wrapping-keys.ts';

export type ImportRequest = Omit<ImportKeyRequest, 'token' | 'encrypted'> & Pick<UnsealedMaterial, 'protection' | 'createdAt'>;

interface Imported {
  readonly key: Handle;
  readonly publicKey?: Buffer;
}

/** Material that was held to its key spec, before it has a version. */
interface Accepted {
  /** What tells it from other material, under an epoch: its public key, or the secret key under the KEK. */
  readonly identity: (at: DomainKeys) => Buffer;
  readonly seal: (row: Omit<KeyRequest, 'wrapMechanism'>) => KeyMaterial;
}

/** @throws ImportRefused, HsmError 'invalid-ciphertext' */
export function importMaterial(driver: Driver, request: ImportRequest, token: Buffer, encrypted: Buffer): ImportedKey {
  const epoch = driver.epochs[0];
  if (epoch === undefined) throw new HsmError('token-lost', 'no epoch');
  return withWrappingKey(driver, request, token, (wrappingKey, payload) => {
    const envelope = envelopeOf(driver.sessions, epoch, wrappingKey, payload, encrypted);
    const { kind } = describeKeySpec(request.keySpec);
    if (kind === 'seed') return importSeed(driver, epoch, envelope, request);
    const imported = kind === 'rsa' || kind === 'ec' ? importPrivateKey(envelope, request.keySpec, kind) : importSecretKey(envelope, request.keySpec, request.keyUsage);
    const { key, publicKey } = imported;
    try {
      return settle(driver, epoch, request, {
        identity: (at) => publicKey ?? wrap(driver.sessions, at, key),
        seal: (row) => sealMaterial(driver, epoch, { ...row, wrapMechanism: 'AES_KWP' }, wrap(driver.sessions, epoch, key), publicKey),
      });
    } finally {
      destroy(driver.sessions, key);
    }
  });
}

/** In this thread's memory, as at each of its uses (docs/adr/0019). */
function importSeed(driver: Driver, epoch: DomainKeys, envelope: Envelope, request: ImportRequest): ImportedKey {
  return withMaterial(envelope, (pkcs8) => {
    const seed = seedOfPkcs8(request.keySpec, pkcs8);
    if (seed === undefined) throw new ImportRefused('incorrect-key-material', 'not a private key of the key spec that holds its seed');
    const publicKey = seedPublicKey(request.keySpec, seed);
    return settle(driver, epoch, request, { identity: () => publicKey, seal: (row) => sealSeed(driver, { ...row, wrapMechanism: 'AES_GCM_SEED' }, seed) });
  });
}

/** Finds the version that the material is, or is to become. */
function settle(driver: Driver, epoch: DomainKeys, request: ImportRequest, { identity, seal }: Accepted): ImportedKey {
  const { account, region, keyId, keySpec, keyUsage, protection, createdAt, known, newVersion } = request;
  const fingerprintAt = (at: DomainKeys): string => domainHmac(driver.sessions, at.mac, encodeFingerprint(driver.domain, keyId, keySpec, identity(at))).toString('hex');
  const values = new Map(driver.epochs.filter((at) => at === epoch || known.some((candidate) => candidate.epoch === at.epoch)).map((at) => [at.epoch, fingerprintAt(at)]));
  const match = known.find((candidate) => values.get(candidate.epoch) === candidate.value);
  if ((match === undefined) === (newVersion === undefined)) {
    throw new ImportRefused('incorrect-key-material', newVersion === undefined ? 'not the material of a known version' : 'already the material of a version');
  }
  const version = match?.version ?? newVersion!;
  const material = seal({ format: 1, account, region, keyId, version, keySpec, keyUsage, origin: 'EXTERNAL', protection, createdAt });
  const fingerprint: MaterialFingerprint = { epoch: epoch.epoch, value: values.get(epoch.epoch)! };
  return { material, fingerprint };
}

/** AES and HMAC keys: exactly as long as the spec says. */
function importSecretKey(envelope: Envelope, spec: KeySpec, usage: KeyUsage): Imported {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind !== 'aes' && descriptor.kind !== 'hmac') throw new Error(`${spec} is not a secret key`);
  const { sessions } = envelope;
  const { keyBytes } = descriptor;
  const template = keyTemplate(spec, usage);
  if (sessions.profile.imports[descriptor.kind] === 'memory') {
    return withMaterial(envelope, (secret) => {
      if (secret.length !== keyBytes) throw wrongLength();
      return { key: inject(envelope, secret, template) };
    });
  }
  const key = envelope.descriptor.viaAes ? unwrapTail(envelope, template) : openHead(envelope, template, [keyBytes]);
  try {
    if (!isOfLength(envelope, key, descriptor.kind, keyBytes)) throw wrongLength();
    return { key };
  } catch (error) {
    destroy(sessions, key);
    throw error;
  }
}

function importPrivateKey(envelope: Envelope, spec: KeySpec, kind: 'rsa' | 'ec'): Imported {
  const { sessions } = envelope;
  // Signing whatever its usage: the usage belongs to the row, and this object does not outlive the job.
  const template = keyTemplate(spec, 'SIGN_VERIFY');
  const inMemory = sessions.profile.imports[kind] === 'memory';
  const checked = inMemory ? fromMemory(envelope, spec, template) : { key: unwrapTail(envelope, template) };
  try {
    const publicKey = 'publicKey' in checked ? checked.publicKey : readImportedPublicKey(sessions, checked.key, spec);
    if (!provesKeyPair(sessions, checked.key, publicKey, spec)) throw new ImportRefused('incorrect-key-material', 'its halves do not belong together');
    return { key: checked.key, publicKey };
  } catch (error) {
    destroy(sessions, checked.key);
    throw error;
  }
}

/** Checks a private key in memory, and hands it to the HSM under a key that is made for that. */
function fromMemory(envelope: Envelope, spec: KeySpec, template: Template): { key: Handle; publicKey: Buffer } {
  return withMaterial(envelope, (pkcs8) => {
    const publicKey = publicKeyOfPkcs8(pkcs8, spec);
    if (publicKey === undefined) throw new ImportRefused('incorrect-key-material', 'not a private key of the key spec');
    return { key: inject(envelope, pkcs8, template), publicKey };
  });
}

/**
 * SoftHSM leaves CKA_VALUE_LEN at 0 after C_UnwrapKey. It encrypts with 16, 24 and 32 bytes only, and wrapping tells these apart: RFC 5649 adds 8 bytes
 * to a length that is a multiple of 8.
 */
function isOfLength({ sessions, epoch }: Envelope, key: Handle, kind: 'aes' | 'hmac', keyBytes: number): boolean {
  const [length] = sessions.operate('other', (session) => sessions.module.C_GetAttributeValue(session, key, [{ type: pkcs11.CKA_VALUE_LEN }]));
  // A ulong, as the module lays it out.
  const stated = Number((length!.value as Buffer).readBigUInt64LE());
  if (stated !== 0) return stated === keyBytes;
  return kind === 'aes' && wrap(sessions, epoch, key).length === keyBytes + 8 && encrypts(sessions, key);
}

function encrypts(sessions: Sessions, key: Handle): boolean {
  try {
    gcmEncrypt(sessions, key, Buffer.alloc(0), Buffer.alloc(1));
    return true;
  } catch (error) {
    if (error instanceof HsmError && error.outcome === 'internal') return false;
    throw error;
  }
}

/** Only RSA objects tell their public half. */
function readImportedPublicKey(sessions: Sessions, key: Handle, spec: KeySpec): Buffer {
  const publicKey = readPublicKey(sessions, key, spec);
  const descriptor = describeKeySpec(spec);
  const details = publicKeyOf(publicKey.toString('base64')).asymmetricKeyDetails;
  if (descriptor.kind === 'rsa' && details?.modulusLength === descriptor.modulusBits && (details.publicExponent ?? 0n) > 65_536n) return publicKey;
  throw new ImportRefused('incorrect-key-material', 'not an RSA key of the key spec');
}

/** A signature by the imported private key that its public key verifies. */
function provesKeyPair(sessions: Sessions, key: Handle, publicKey: Buffer, spec: KeySpec): boolean {
  const algorithm = describeKeySpec(spec).signingAlgorithms?.[0];
  if (algorithm === undefined) return false;
  const message = randomBytes(32);
  try {
    return verify(describeDigestSigning(algorithm).hash, message, publicKeyOf(publicKey.toString('base64')), sign(sessions, key, spec, algorithm, 'RAW', message));
  } catch (error) {
    // Some libraries check an RSA signature themselves before they let it out (Lenstra 1996).
    if (error instanceof HsmError && error.outcome === 'internal') return false;
    throw error;
  }
}
