import { describe, expect, test } from 'vitest';
import { decapsulateWithSeed, seedPublicKey, signWithSeed, verifyWithPublicKey } from '#bridge/driver/seed-keys.ts';
import { describeSeedSpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import type { SeedSigning } from '#shared/algorithms/signing.ts';
import { bytesOf, disagreements, loadWycheproof } from './load-wycheproof.ts';

const ed25519: SeedSigning = { scheme: 'ED25519', messageTypes: { RAW: 'any' } };
const mlDsa: SeedSigning = { scheme: 'ML_DSA', messageTypes: { RAW: 'any', EXTERNAL_MU: 64 } };

test('Ed25519 signatures', () => {
  const wrong = disagreements('ed25519_test', (vector, group) =>
    verifyWithPublicKey(bytesOf(group, 'publicKeyDer').toString('base64'), 'ECC_NIST_EDWARDS25519', ed25519, 'RAW', bytesOf(vector, 'msg'), bytesOf(vector, 'sig')),
  );

  expect(wrong).toEqual([]);
});

describe.each([
  ['ML_DSA_44', 'mldsa_44'],
  ['ML_DSA_65', 'mldsa_65'],
  ['ML_DSA_87', 'mldsa_87'],
] as const)('%s', (spec, file) => {
  test('signatures', () => {
    const wrong = disagreements(`${file}_verify_test`, (vector, group) => {
      try {
        return verifyWithPublicKey(bytesOf(group, 'publicKeyDer').toString('base64'), spec, mlDsa, 'RAW', bytesOf(vector, 'msg'), bytesOf(vector, 'sig'));
      } catch {
        // Public keys of a wrong length do not parse. The service only ever has public keys that it made.
        return false;
      }
    });

    expect(wrong).toEqual([]);
  });

  test('key expansion from seeds, and signatures over messages and over an external mu', () => {
    const wrong = disagreements(`${file}_sign_seed_test`, (vector, group) => {
      const seed = bytesOf(group, 'privateSeed');
      if (seed.length !== describeSeedSpec(spec).seedBytes) return false;
      const publicKey = seedPublicKey(spec, seed);
      const encoded = publicKey.toString('base64');
      if (!publicKey.subarray(-bytesOf(group, 'publicKey').length).equals(bytesOf(group, 'publicKey'))) return false;
      const sig = bytesOf(vector, 'sig');
      const forms = [
        ['RAW', vector.msg === undefined ? undefined : bytesOf(vector, 'msg')],
        ['EXTERNAL_MU', bytesOf(vector, 'mu')],
      ] as const;
      return forms.every(([messageType, message]) => {
        if (message === undefined) return true;
        const own = signWithSeed(spec, mlDsa, messageType, seed, message);
        return [sig, own].every((signature) => verifyWithPublicKey(encoded, spec, mlDsa, messageType, message, signature));
      });
    });

    expect(wrong).toEqual([]);
  });
});

test.each([
  ['ML_KEM_512', 'mlkem_512_test'],
  ['ML_KEM_768', 'mlkem_768_test'],
  ['ML_KEM_1024', 'mlkem_1024_test'],
] as const satisfies readonly (readonly [KeySpec, string])[])('%s: key expansion and decapsulation, implicit rejection included', (spec, file) => {
  const wrong = disagreements(file, (vector) => {
    const seed = bytesOf(vector, 'seed');
    const ciphertext = bytesOf(vector, 'c');
    if (seed.length !== describeSeedSpec(spec).seedBytes || ciphertext.length !== describeSeedSpec(spec).encapsulationBytes) return false;
    const ek = vector.ek === undefined ? undefined : bytesOf(vector, 'ek');
    const publicKey = seedPublicKey(spec, seed);
    return (ek === undefined || publicKey.subarray(-ek.length).equals(ek)) && decapsulateWithSeed(spec, seed, ciphertext).equals(bytesOf(vector, 'K'));
  });

  expect(wrong).toEqual([]);
});

/** RFC 8032 section 7.3: the one published vector of Ed25519ph. */
test('Ed25519ph as in RFC 8032', () => {
  const seed = Buffer.from('833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42', 'hex');
  const expected = '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406';
  const publicKey = seedPublicKey('ECC_NIST_EDWARDS25519', seed);
  const prehashed: SeedSigning = { scheme: 'ED25519_PH', messageTypes: { DIGEST: 64 } };

  const signature = signWithSeed('ECC_NIST_EDWARDS25519', prehashed, 'DIGEST', seed, Buffer.from('abc'));

  expect(publicKey.subarray(-32).toString('hex')).toBe('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf');
  expect(Buffer.from(signature).toString('hex')).toBe(expected);
  expect(verifyWithPublicKey(publicKey.toString('base64'), 'ECC_NIST_EDWARDS25519', prehashed, 'DIGEST', Buffer.from('abc'), signature)).toBe(true);
});

test('a file without vectors fails', () => {
  expect(() => loadWycheproof('README')).toThrow();
});
