/** Key agreement and encapsulation of the software fake. */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { peerPoint } from '#bridge/driver/key-agreement.ts';
import { decapsulateWithSeed, encapsulateTo } from '#bridge/driver/seed-keys.ts';
import { describeSeedSpec, type EncapsulationAlgorithm, type KeyAgreementAlgorithm, type KeyUsage } from '#shared/algorithms/key-specs.ts';
import { type Crypto, CryptoError, type KeyHandle } from '#shared/ports/crypto.ts';

type Open = (key: KeyHandle, usage: KeyUsage, algorithm: KeyAgreementAlgorithm | EncapsulationAlgorithm) => Buffer;

export const softwareAgreement = (open: Open): Pick<Crypto, 'deriveSharedSecret' | 'encapsulate' | 'decapsulate'> => ({
  async deriveSharedSecret(key, publicKey) {
    const privateKey = createPrivateKey({ key: open(key, 'KEY_AGREEMENT', 'ECDH'), format: 'der', type: 'pkcs8' });
    if (peerPoint(key.material.keySpec, publicKey) === undefined) throw new CryptoError('invalid-request', 'software crypto: not a key of this curve');
    return diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }) });
  },
  async encapsulate(key) {
    open(key, 'ENCAPSULATE_DECAPSULATE', 'ML_KEM');
    const { sharedKey, ciphertext } = encapsulateTo(key.material.publicKey ?? '');
    return { sharedSecret: sharedKey, ciphertext };
  },
  async decapsulate(key, ciphertext) {
    const seed = open(key, 'ENCAPSULATE_DECAPSULATE', 'ML_KEM');
    if (ciphertext.length !== describeSeedSpec(key.material.keySpec).encapsulationBytes) throw new CryptoError('invalid-ciphertext', 'software crypto: length');
    return decapsulateWithSeed(key.material.keySpec, seed, ciphertext);
  },
});
