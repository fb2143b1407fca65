import { constants, publicEncrypt } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { oaepHashes, plaintextLimit } from '#shared/algorithms/encryption.ts';
import { describeKeySpec, type EncryptionAlgorithm, type KeySpec } from '#shared/algorithms/key-specs.ts';
import type { Handle } from './module.ts';
import { oaepDecode } from './oaep.ts';
import { publicKeyOf } from './public-keys.ts';
import { HsmError, type Sessions } from './sessions.ts';

export type RsaEncryptionAlgorithm = Exclude<EncryptionAlgorithm, 'SYMMETRIC_DEFAULT'>;

/** pkcs11js does not name it. */
const ckzDataSpecified = 1;

const oaepMechanisms = {
  sha1: { hashAlg: pkcs11.CKM_SHA_1, mgf: pkcs11.CKG_MGF1_SHA1 },
  sha256: { hashAlg: pkcs11.CKM_SHA256, mgf: pkcs11.CKG_MGF1_SHA256 },
} as const;

/** For C_Decrypt and C_UnwrapKey. */
export const oaepMechanism = (algorithm: RsaEncryptionAlgorithm) => ({
  mechanism: pkcs11.CKM_RSA_PKCS_OAEP,
  parameter: { type: pkcs11.CK_PARAMS_RSA_OAEP, ...oaepMechanisms[oaepHashes[algorithm].hash], source: ckzDataSpecified } as never,
});

/** More bytes than the algorithm takes: of a re-encryption only this thread sees it. Carries nothing of them. */
export class PlaintextTooLong extends Error {
  override readonly name = 'PlaintextTooLong';
}

/** @throws PlaintextTooLong */
export function demandRsaPlaintext(spec: KeySpec, algorithm: RsaEncryptionAlgorithm, plaintext: Buffer): void {
  if (plaintext.length > plaintextLimit(spec, algorithm)) throw new PlaintextTooLong('the plaintext is too long for the algorithm');
}

/** A public-key operation: in software, on the public key that the material's tag covers. */
export function rsaEncrypt(publicKey: string, algorithm: RsaEncryptionAlgorithm, plaintext: Buffer): Buffer {
  return publicEncrypt({ key: publicKeyOf(publicKey), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[algorithm].hash }, plaintext);
}

/** @throws HsmError 'invalid-ciphertext', always the same one. */
export function rsaDecrypt(sessions: Sessions, key: Handle, spec: KeySpec, algorithm: RsaEncryptionAlgorithm, ciphertext: Buffer): Buffer {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind !== 'rsa') throw new Error(`${spec} is not RSA`);
  const modulusBytes = descriptor.modulusBits / 8;
  if (ciphertext.length !== modulusBytes) throw new HsmError('invalid-ciphertext', 'not of the modulus length');
  const { hash } = oaepHashes[algorithm];
  const inHsm = sessions.profile.oaep[algorithm] === 'hsm';
  const mechanism = inHsm ? oaepMechanism(algorithm) : { mechanism: pkcs11.CKM_RSA_X_509 };
  const { module } = sessions;
  const decrypted = sessions.operate('decrypt', (session) => {
    module.C_DecryptInit(session, mechanism as never, key);
    return module.C_Decrypt(session, ciphertext, sessions.arena.take(modulusBytes));
  });
  if (inHsm) return decrypted;
  const message = oaepDecode(leftPadded(sessions, decrypted, modulusBytes), hash);
  if (message === undefined) throw new HsmError('invalid-ciphertext', 'padding');
  return message;
}

/** CKM_RSA_X_509 may strip leading zeros. */
function leftPadded({ arena }: Sessions, value: Buffer, length: number): Buffer {
  if (value.length === length) return value;
  const padded = arena.take(length);
  value.copy(padded, length - value.length);
  return padded;
}
