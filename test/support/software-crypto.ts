/**
 * A strict software fake of the Crypto port, for tests that are not about the HSM. It refuses what the bridge refuses, with the same codes. One
 * difference: a signature is made over the hash of the digest, because node:crypto signs no bare digests; RAW and DIGEST still agree with each other.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { encodeKeyDerivation, encodeMaterialBinding, encodeRowSeal } from '#bridge/binding.ts';
import { seedPkcs8, signWithSeed, verifyWithPublicKey } from '#bridge/driver/seed-keys.ts';
import { oaepHashes, plaintextLimit } from '#shared/algorithms/encryption.ts';
import {
  describeKeySpec,
  type EncapsulationAlgorithm,
  type EncryptionAlgorithm,
  isSeedSpec,
  type KeyAgreementAlgorithm,
  type KeyUsage,
  type MacAlgorithm,
  type SigningAlgorithm,
} from '#shared/algorithms/key-specs.ts';
import { macDescriptors } from '#shared/algorithms/mac.ts';
import { describeDigestSigning, type SeedSigning, signingDescriptors } from '#shared/algorithms/signing.ts';
import { keyMaterialSchema } from '#shared/keys/material-schema.ts';
import { type CipherSide, type Crypto, CryptoError, type CryptoErrorCode, type KeyHandle, type MessageType, type SealedParts } from '#shared/ports/crypto.ts';
import type { CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';
import { softwareAgreement } from './software-agreement.ts';
import { softwareImports } from './software-imports.ts';
import { generate, tagged } from './software-material.ts';

export interface SoftwareCryptoKeys {
  /** 32 bytes each. */
  readonly kek: Uint8Array;
  readonly mac: Uint8Array;
}

export interface SoftwareCrypto extends Crypto {
  /** Fails the next and all later calls with this code, until it is set to undefined. */
  failWith: CryptoErrorCode | undefined;
}

const domain = 'in-process-tests';
/** RFC 5649 section 3. */
const kwpIv = Buffer.from('a65959a6', 'hex');
const tagBytes = 16;
const none = new Uint8Array(0);

const fail = (code: CryptoErrorCode): CryptoError => new CryptoError(code, `software crypto: ${code}`);

export function createSoftwareCrypto(keys: SoftwareCryptoKeys = { kek: randomBytes(32), mac: randomBytes(32) }): SoftwareCrypto {
  const hmac = (bytes: Uint8Array): Buffer => createHmac('sha256', keys.mac).update(bytes).digest();
  const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

  function requireAuthentic({ binding, material }: KeyHandle): void {
    const parsed = keyMaterialSchema.safeParse(material);
    const isBound = (['account', 'region', 'keyId', 'version'] as const).every((name) => binding[name] === material[name]);
    if (!parsed.success || !isBound || !equal(Buffer.from(material.tag, 'base64'), hmac(encodeMaterialBinding(domain, material)))) throw fail('material-refused');
  }

  type Algorithm = EncryptionAlgorithm | SigningAlgorithm | MacAlgorithm | KeyAgreementAlgorithm | EncapsulationAlgorithm;
  function open(key: KeyHandle, usage: KeyUsage, algorithm?: Algorithm): Buffer {
    const { material } = key;
    requireAuthentic(key);
    const spec = describeKeySpec(material.keySpec);
    const algorithms: readonly string[] = [
      ...(spec.encryptionAlgorithms ?? []),
      ...(spec.signingAlgorithms ?? []),
      ...(spec.macAlgorithms ?? []),
      ...(spec.keyAgreementAlgorithms ?? []),
      ...(spec.encapsulationAlgorithms ?? []),
    ];
    if (material.keyUsage !== usage || (algorithm !== undefined && !algorithms.includes(algorithm))) throw fail('invalid-request');
    const decipher = createDecipheriv('id-aes256-wrap-pad', keys.kek, kwpIv);
    return Buffer.concat([decipher.update(Buffer.from(material.wrapped, 'base64')), decipher.final()]);
  }

  const privateKey = (key: KeyHandle, usage: KeyUsage, algorithm: Algorithm): KeyObject => createPrivateKey({ key: open(key, usage, algorithm), format: 'der', type: 'pkcs8' });

  function seal(side: CipherSide, plaintext: Uint8Array): SealedParts {
    const { algorithm } = side;
    const { keySpec } = side.key.material;
    const secret = open(side.key, 'ENCRYPT_DECRYPT', algorithm);
    if (plaintext.length < 1 || plaintext.length > plaintextLimit(keySpec, algorithm)) throw fail('invalid-request');
    if (algorithm !== 'SYMMETRIC_DEFAULT') {
      if ((side.aad?.length ?? 0) > 0) throw fail('invalid-request');
      const key = createPublicKey(createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' }));
      return { iv: none, ciphertext: publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[algorithm].hash }, plaintext) };
    }
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(side.aad ?? none);
    return { iv, ciphertext: Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]) };
  }

  function unseal(side: CipherSide, parts: SealedParts): Buffer {
    const { algorithm } = side;
    const secret = open(side.key, 'ENCRYPT_DECRYPT', algorithm);
    try {
      if (algorithm !== 'SYMMETRIC_DEFAULT') {
        const key = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
        return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[algorithm].hash }, parts.ciphertext);
      }
      const split = parts.ciphertext.length - tagBytes;
      const decipher = createDecipheriv('aes-256-gcm', secret, parts.iv, { authTagLength: tagBytes }).setAAD(side.aad ?? none);
      decipher.setAuthTag(parts.ciphertext.subarray(split));
      return Buffer.concat([decipher.update(parts.ciphertext.subarray(0, split)), decipher.final()]);
    } catch {
      throw fail('invalid-ciphertext');
    }
  }

  function digestOf(algorithm: SigningAlgorithm, messageType: MessageType, message: Uint8Array): Uint8Array {
    const { hash, digestBytes } = describeDigestSigning(algorithm);
    if (messageType === 'RAW') return createHash(hash).update(message).digest();
    if (message.length !== digestBytes) throw fail('invalid-request');
    return message;
  }
  function requireMessageFits(algorithm: SigningAlgorithm, messageType: MessageType, message: Uint8Array): void {
    const length = signingDescriptors[algorithm].messageTypes[messageType];
    if (length === undefined || (length !== 'any' && length !== message.length)) throw fail('invalid-request');
  }
  const padding = (algorithm: SigningAlgorithm) =>
    signingDescriptors[algorithm].scheme === 'RSASSA_PSS' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};

  const macOf = (key: KeyHandle, algorithm: MacAlgorithm, message: Uint8Array): Buffer =>
    createHmac(macDescriptors[algorithm].hash, open(key, 'GENERATE_VERIFY_MAC', algorithm))
      .update(message)
      .digest();
  const rowSeal = (digest: string): Buffer => hmac(encodeRowSeal(domain, Buffer.from(digest, 'base64')));

  const crypto: Crypto = {
    async generateKey(request) {
      const { secret, publicKey } = generate(request.keySpec);
      const cipher = createCipheriv('id-aes256-wrap-pad', keys.kek, kwpIv);
      const wrapped = Buffer.concat([cipher.update(secret), cipher.final()]).toString('base64');
      return tagged(request, wrapped, publicKey, (unsealed) => hmac(encodeMaterialBinding(domain, unsealed)).toString('base64'));
    },
    async rebindKey(key, region) {
      requireAuthentic(key);
      if (!key.binding.keyId.startsWith('mrk-') || key.material.origin === 'EXTERNAL') throw fail('invalid-request');
      const { tag: _, ...claims } = key.material;
      const unsealed = { ...claims, region };
      return { ...unsealed, tag: hmac(encodeMaterialBinding(domain, unsealed)).toString('base64') };
    },
    ...softwareImports({
      domain,
      kek: keys.kek,
      hmac,
      fail,
      tagged: (request, wrapped, publicKey) => tagged(request, wrapped, publicKey, (unsealed) => hmac(encodeMaterialBinding(domain, unsealed)).toString('base64')),
    }),
    encrypt: async (side, plaintext) => seal(side, plaintext),
    decrypt: async (side, parts) => unseal(side, parts),
    reEncrypt: async (source, parts, destination) => seal(destination, unseal(source, parts)),
    async generateDataKey(side, length, wantPlaintext) {
      if (side.algorithm !== 'SYMMETRIC_DEFAULT') throw fail('invalid-request');
      const plaintext = randomBytes(length);
      return { ...seal(side, plaintext), ...(wantPlaintext ? { plaintext } : {}) };
    },
    async generateDataKeyPair(side, keyPairSpec, wantPlaintext) {
      if (side.algorithm !== 'SYMMETRIC_DEFAULT') throw fail('invalid-request');
      const { secret, publicKey } = generate(keyPairSpec);
      const privateKey = isSeedSpec(keyPairSpec) ? seedPkcs8(keyPairSpec, secret) : secret;
      return { ...seal(side, privateKey), publicKey: Buffer.from(publicKey ?? '', 'base64'), ...(wantPlaintext ? { privateKey } : {}) };
    },
    ...softwareAgreement(open),
    async sign(key, algorithm, messageType, message) {
      requireMessageFits(algorithm, messageType, message);
      if (!isSeedSpec(key.material.keySpec))
        return sign(describeDigestSigning(algorithm).hash, digestOf(algorithm, messageType, message), { key: privateKey(key, 'SIGN_VERIFY', algorithm), ...padding(algorithm) });
      return signWithSeed(key.material.keySpec, signingDescriptors[algorithm] as SeedSigning, messageType, open(key, 'SIGN_VERIFY', algorithm), message);
    },
    async verify(key, algorithm, messageType, message, signature) {
      const { keySpec, publicKey = '' } = key.material;
      requireMessageFits(algorithm, messageType, message);
      if (isSeedSpec(keySpec)) {
        open(key, 'SIGN_VERIFY', algorithm);
        return verifyWithPublicKey(publicKey, keySpec, signingDescriptors[algorithm] as SeedSigning, messageType, message, signature);
      }
      const verifying = { key: createPublicKey(privateKey(key, 'SIGN_VERIFY', algorithm)), ...padding(algorithm) };
      return verify(describeDigestSigning(algorithm).hash, digestOf(algorithm, messageType, message), verifying, signature);
    },
    generateMac: async (key, algorithm, message) => macOf(key, algorithm, message),
    verifyMac: async (key, algorithm, message, mac) => equal(macOf(key, algorithm, message), mac),
    async getPublicKey(key) {
      open(key, key.material.keyUsage);
      if (key.material.publicKey === undefined) throw fail('invalid-request');
      return Buffer.from(key.material.publicKey, 'base64');
    },
    generateRandom: async (length) => randomBytes(length),
    sealRows: async (digests) => digests.map((digest) => rowSeal(digest).toString('base64')),
    checkSeals: async (rows) => rows.map(({ digest, seal: given }) => equal(Buffer.from(given, 'base64'), rowSeal(digest))),
    signAudit: async () => {
      throw fail('forbidden');
    },
    batch: (calls) => Promise.all(calls.map(settle)),
    deriveKey: async (purpose) => hmac(encodeKeyDerivation(domain, purpose)),
  };
  return withFaults(crypto);

  async function settle({ name, parameters }: CryptoCall): Promise<CryptoOutcome> {
    try {
      return { value: await (crypto[name] as (...given: readonly unknown[]) => Promise<unknown>)(...parameters) };
    } catch (error) {
      if (error instanceof CryptoError) return { error };
      throw error;
    }
  }
}

function withFaults(crypto: Crypto): SoftwareCrypto {
  const faulty: { failWith: CryptoErrorCode | undefined } = { failWith: undefined };
  const calls = Object.entries(crypto).map(([name, call]) => [
    name,
    async (...parameters: unknown[]) => {
      if (faulty.failWith !== undefined) throw fail(faulty.failWith);
      return await (call as (...given: unknown[]) => Promise<unknown>)(...parameters);
    },
  ]);
  return Object.assign(faulty, Object.fromEntries(calls)) as SoftwareCrypto;
}
