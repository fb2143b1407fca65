/** The import half of the software fake of the Crypto port: the same tokens, envelopes, checks and errors as the bridge's, without an HSM. */
import { constants, createCipheriv, createPrivateKey, createPublicKey, privateDecrypt, sign, timingSafeEqual, verify } from 'node:crypto';
import { encodeFingerprint, encodeImportTokenSeal } from '#bridge/binding.ts';
import { seedOfPkcs8, seedPublicKey } from '#bridge/driver/seed-keys.ts';
import { kwpIv, kwpUnwrap, publicKeyOfPkcs8 } from '#bridge/pkcs8.ts';
import { oaepHashes } from '#shared/algorithms/encryption.ts';
import { describeKeySpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import { canWrap, wrappingDescriptors } from '#shared/algorithms/wrapping.ts';
import { encodeImportToken, splitImportToken } from '#shared/keys/import-token.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { Crypto, CryptoError, CryptoErrorCode, GenerateKeyRequest, ImportKeyRequest } from '#shared/ports/crypto.ts';
import { rsaPair } from './rsa-pairs.ts';

interface Tools {
  readonly domain: string;
  readonly kek: Uint8Array;
  readonly hmac: (bytes: Uint8Array) => Buffer;
  readonly fail: (code: CryptoErrorCode) => CryptoError;
  readonly tagged: (request: GenerateKeyRequest, wrapped: string, publicKey: string | undefined) => KeyMaterial;
}

const epoch = 1;

export function softwareImports({ domain, kek, hmac, fail, tagged }: Tools): Pick<Crypto, 'importParameters' | 'importKey'> {
  const kwp = (secret: Uint8Array): Buffer => {
    const cipher = createCipheriv('id-aes256-wrap-pad', kek, kwpIv);
    return Buffer.concat([cipher.update(secret), cipher.final()]);
  };

  function unwrap({ token, encrypted, account, region, keyId, keySpec }: ImportKeyRequest): Buffer {
    const parts = splitImportToken(token);
    const isOurs = parts !== undefined && timingSafeEqual(parts.tag, hmac(encodeImportTokenSeal(domain, parts.authenticated)));
    if (!isOurs || parts.payload.account !== account || parts.payload.region !== region || parts.payload.keyId !== keyId) throw fail('invalid-import-token');
    const { wrappedKey, wrappingAlgorithm, wrappingKeySpec } = parts.payload;
    if (!canWrap(keySpec, wrappingAlgorithm, wrappingKeySpec)) throw fail('invalid-import-token');
    const { oaep, viaAes } = wrappingDescriptors[wrappingAlgorithm];
    const key = createPrivateKey({ key: kwpUnwrap(kek, wrappedKey)!, format: 'der', type: 'pkcs8' });
    const headBytes = key.asymmetricKeyDetails!.modulusLength! / 8;
    let head: Buffer;
    try {
      head = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[oaep].hash }, encrypted.subarray(0, viaAes ? headBytes : undefined));
    } catch {
      throw fail('invalid-ciphertext');
    }
    const secret = viaAes ? kwpUnwrap(head, encrypted.subarray(headBytes)) : head;
    if (secret === undefined) throw fail('invalid-ciphertext');
    return secret;
  }

  /** What is kept, as generated keys are. */
  function checked(secret: Buffer, keySpec: KeySpec): { kept: Buffer; publicKey?: Buffer } {
    const spec = describeKeySpec(keySpec);
    if (spec.kind === 'aes' || spec.kind === 'hmac') {
      if (secret.length !== spec.keyBytes) throw fail('incorrect-key-material');
      return { kept: secret };
    }
    if (spec.kind === 'seed') {
      const seed = seedOfPkcs8(keySpec, secret);
      if (seed === undefined) throw fail('incorrect-key-material');
      return { kept: seed, publicKey: seedPublicKey(keySpec, seed) };
    }
    const publicKey = publicKeyOfPkcs8(secret, keySpec);
    if (publicKey === undefined || !belongTogether(secret, publicKey)) throw fail('incorrect-key-material');
    return { kept: secret, publicKey };
  }

  return {
    async importParameters(request) {
      const { modulusBits } = describeKeySpec(request.wrappingKeySpec) as { modulusBits: number };
      const pair = rsaPair(modulusBits);
      const payload = encodeImportToken({ ...request, epoch, wrappedKey: kwp(pair.privateKey.export({ format: 'der', type: 'pkcs8' })) });
      return { publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }), token: Buffer.concat([payload, hmac(encodeImportTokenSeal(domain, payload))]) };
    },
    async importKey(request) {
      const { account, region, keyId, keySpec, keyUsage, known, newVersion } = request;
      if (newVersion === undefined && known.length === 0) throw fail('invalid-request');
      const { kept, publicKey } = checked(unwrap(request), keySpec);
      const value = hmac(encodeFingerprint(domain, keyId, keySpec, publicKey ?? kwp(kept))).toString('hex');
      const match = known.find((candidate) => candidate.epoch === epoch && candidate.value === value);
      if ((match === undefined) === (newVersion === undefined)) throw fail('incorrect-key-material');
      const binding = { account, region, keyId, version: match?.version ?? newVersion! };
      const material = tagged({ binding, keySpec, keyUsage, origin: 'EXTERNAL' }, kwp(kept).toString('base64'), publicKey?.toString('base64'));
      return { material, fingerprint: { epoch, value } };
    },
  };
}

function belongTogether(pkcs8: Buffer, spki: Buffer): boolean {
  const message = Buffer.from('proof');
  try {
    const signature = sign('sha256', message, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
    return verify('sha256', message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
