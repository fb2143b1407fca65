import { constants, hash as hashOf, verify } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type KeySpec, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { type DigestSigning, describeDigestSigning, type MessageType, signingDescriptors } from '#shared/algorithms/signing.ts';
import { digestInfo, ecdsaSignature, parseEcdsaSignature } from '../der.ts';
import type { Driver } from './driver.ts';
import { type Handle, returnValue } from './module.ts';
import { publicKeyOf } from './public-keys.ts';
import { verifyWithPublicKey } from './seed-keys.ts';
import type { Sessions } from './sessions.ts';

const pssParameters = {
  sha256: { hashAlg: pkcs11.CKM_SHA256, mgf: pkcs11.CKG_MGF1_SHA256 },
  sha384: { hashAlg: pkcs11.CKM_SHA384, mgf: pkcs11.CKG_MGF1_SHA384 },
  sha512: { hashAlg: pkcs11.CKM_SHA512, mgf: pkcs11.CKG_MGF1_SHA512 },
} as const;

/** The HSM signs digests: hashing a RAW message needs no key. @returns DER for ECDSA, k bytes for RSA. */
export function sign(sessions: Sessions, key: Handle, spec: KeySpec, algorithm: SigningAlgorithm, messageType: MessageType, message: Buffer): Buffer {
  const descriptor = describeDigestSigning(algorithm);
  const digest = messageType === 'RAW' ? hashOf(descriptor.hash, message, 'buffer') : message;
  const { mechanism, input } = mechanismFor(descriptor, digest);
  const { module } = sessions;
  const signature = sessions.operate('other', (session) => {
    module.C_SignInit(session, mechanism, key);
    return module.C_Sign(session, input, sessions.arena.take(signatureBytes(spec)));
  });
  return descriptor.scheme === 'ECDSA' ? ecdsaSignature(signature) : signature;
}

/**
 * A public-key operation on the public key that the material's tag covers: a RAW message in software, a digest in the HSM, because node:crypto
 * cannot verify a digest that it did not make.
 */
export function verifySignature(
  driver: Driver,
  publicKey: string,
  spec: KeySpec,
  algorithm: SigningAlgorithm,
  messageType: MessageType,
  message: Buffer,
  signature: Buffer,
): boolean {
  const descriptor = signingDescriptors[algorithm];
  if (!('hash' in descriptor)) return verifyWithPublicKey(publicKey, spec, descriptor, messageType, message, signature);
  if (messageType === 'DIGEST') return verifyDigest(driver, publicKey, spec, descriptor, message, signature);
  // RFC 8017 sections 8.1.2 and 8.2.2, step 1. OpenSSL takes an RSASSA-PSS signature from which leading zero bytes are cut off.
  if (descriptor.scheme !== 'ECDSA' && signature.length !== signatureBytes(spec)) return false;
  const key = publicKeyOf(publicKey);
  if (descriptor.scheme !== 'RSASSA_PSS') return verify(descriptor.hash, message, key, signature);
  return verify(descriptor.hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: descriptor.digestBytes }, signature);
}

function verifyDigest({ sessions, publicObjects }: Driver, publicKey: string, spec: KeySpec, descriptor: DigestSigning, digest: Buffer, signature: Buffer): boolean {
  const raw = descriptor.scheme === 'ECDSA' ? parseEcdsaSignature(signature, signatureBytes(spec) / 2) : signature;
  if (raw?.length !== signatureBytes(spec)) return false;
  const { mechanism, input } = mechanismFor(descriptor, digest);
  return publicObjects.use(sessions, publicKey, spec, (key) =>
    sessions.operate('other', (session) => {
      sessions.module.C_VerifyInit(session, mechanism, key);
      try {
        return sessions.module.C_Verify(session, input, raw);
      } catch (error) {
        if (refusals.has(returnValue(error) ?? 0)) return false;
        throw error;
      }
    }),
  );
}

const refusals: ReadonlySet<number> = new Set([pkcs11.CKR_SIGNATURE_INVALID, pkcs11.CKR_SIGNATURE_LEN_RANGE]);

function mechanismFor({ scheme, hash, digestBytes }: DigestSigning, digest: Buffer) {
  if (scheme === 'ECDSA') return { mechanism: { mechanism: pkcs11.CKM_ECDSA }, input: digest };
  if (scheme === 'RSASSA_PKCS1_V1_5') return { mechanism: { mechanism: pkcs11.CKM_RSA_PKCS }, input: digestInfo(hash, digest) };
  const parameter = { type: pkcs11.CK_PARAMS_RSA_PSS, ...pssParameters[hash], saltLen: digestBytes };
  return { mechanism: { mechanism: pkcs11.CKM_RSA_PKCS_PSS, parameter }, input: digest };
}

function signatureBytes(spec: KeySpec): number {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind === 'rsa') return descriptor.modulusBits / 8;
  if (descriptor.kind === 'ec') return 2 * descriptor.orderBytes;
  throw new Error(`${spec} does not sign`);
}
