import { describe, expect, test } from 'vitest';
import { plaintextLimit } from '#shared/algorithms/encryption.ts';
import { describeKeySpec, encryptionAlgorithms, keySpecs, macAlgorithms, signingAlgorithms } from '#shared/algorithms/key-specs.ts';
import { keySpecEnum, macAlgorithmEnum, signingAlgorithmEnum } from '#shared/fields/enums.ts';

describe('the table of key specs', () => {
  test.each(keySpecs)('%s: is a value of the API, and has algorithms for exactly the usages it offers', (spec) => {
    const { usages, ...row } = describeKeySpec(spec);

    expect(keySpecEnum().options).toContain(spec);
    expect(row.encryptionAlgorithms !== undefined).toBe(usages.includes('ENCRYPT_DECRYPT'));
    expect(row.signingAlgorithms !== undefined).toBe(usages.includes('SIGN_VERIFY'));
    expect(row.macAlgorithms !== undefined).toBe(usages.includes('GENERATE_VERIFY_MAC'));
  });

  test('every algorithm belongs to some spec, and is a value of the API', () => {
    const rows = keySpecs.map(describeKeySpec);

    for (const algorithm of signingAlgorithms) expect(rows.some((row) => row.signingAlgorithms?.includes(algorithm))).toBe(true);
    for (const algorithm of encryptionAlgorithms) expect(rows.some((row) => row.encryptionAlgorithms?.includes(algorithm))).toBe(true);
    for (const algorithm of macAlgorithms) expect(rows.some((row) => row.macAlgorithms?.includes(algorithm))).toBe(true);
    expect(signingAlgorithmEnum().options).toEqual(expect.arrayContaining([...signingAlgorithms]));
    expect(macAlgorithmEnum().options).toEqual([...macAlgorithms]);
  });

  // AWS KMS API Reference, Encrypt: the table of maximum sizes.
  test.each([
    ['RSA_2048', 'RSAES_OAEP_SHA_1', 214],
    ['RSA_2048', 'RSAES_OAEP_SHA_256', 190],
    ['RSA_3072', 'RSAES_OAEP_SHA_1', 342],
    ['RSA_3072', 'RSAES_OAEP_SHA_256', 318],
    ['RSA_4096', 'RSAES_OAEP_SHA_1', 470],
    ['RSA_4096', 'RSAES_OAEP_SHA_256', 446],
    ['SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT', 4096],
  ] as const)('%s with %s encrypts at most %i bytes', (spec, algorithm, limitBytes) => {
    expect(plaintextLimit(spec, algorithm)).toBe(limitBytes);
  });

  test('a name that is inherited by every object is no spec', () => {
    expect(describeKeySpec('toString' as never)).toBeUndefined();
  });
});
