/** Vectors through the bridge's driver on SoftHSM: the keys are imported, everything else is the code that serves requests. */
import { createHmac, hash } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeMaterialBinding } from '#bridge/binding.ts';
import { gcmDecrypt } from '#bridge/driver/aes-gcm.ts';
import { deriveSharedSecret, peerPoint } from '#bridge/driver/key-agreement.ts';
import { domainHmac, hmac } from '#bridge/driver/mac.ts';
import { destroy, openMaterial } from '#bridge/driver/material.ts';
import type { Handle } from '#bridge/driver/module.ts';
import { type RsaEncryptionAlgorithm, rsaDecrypt } from '#bridge/driver/rsa.ts';
import { HsmError } from '#bridge/driver/sessions.ts';
import { verifySignature } from '#bridge/driver/signing.ts';
import { describeKeySpec, type EcSpec, type KeySpec, type MacAlgorithm, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { macDescriptors } from '#shared/algorithms/mac.ts';
import { describeDigestSigning } from '#shared/algorithms/signing.ts';
import { ecPrivateKey, rsaPrivateKey, secretKey, startTokenDriver, type TokenDriver } from '#test/support/token-driver.ts';
import { bytesOf, disagreements } from './load-wycheproof.ts';

let token: TokenDriver;
beforeAll(async () => {
  token = await startTokenDriver();
});
afterAll(() => token?.remove());

/** @returns undefined when the HSM or the driver refuses. Any other error is a fault of the test or the code. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof HsmError) return undefined;
    throw error;
  }
}
function withKey<T>(key: Handle, action: (key: Handle) => T): T {
  try {
    return action(key);
  } finally {
    destroy(token.driver.sessions, key);
  }
}

test('AES-256-GCM', () => {
  const wrong = disagreements('aes_gcm_test', (vector) =>
    withKey(token.install(secretKey(pkcs11.CKK_AES, bytesOf(vector, 'key'), pkcs11.CKA_DECRYPT)), (key) => {
      const sealed = Buffer.concat([bytesOf(vector, 'ct'), bytesOf(vector, 'tag')]);
      const plaintext = attempt(() => gcmDecrypt(token.driver.sessions, key, bytesOf(vector, 'aad'), bytesOf(vector, 'iv'), sealed));
      return plaintext?.equals(bytesOf(vector, 'msg')) === true;
    }),
  );

  expect(wrong).toEqual([]);
});

test('AES key wrap with padding opens stored material', () => {
  const { driver } = token;
  const [epoch] = driver.epochs;
  const wrong = disagreements('aes_kwp_test', (vector) =>
    withKey(token.install(secretKey(pkcs11.CKK_AES, bytesOf(vector, 'key'), pkcs11.CKA_UNWRAP)), (kek) => {
      const unsealed = {
        ...({ format: 1, account: '111122223333', region: 'eu-west-1', keyId: '1234abcd-12ab-34cd-56ef-1234567890ab', version: 1, epoch: 1, createdAt: 1 } as const),
        ...({ keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC', origin: 'AWS_KMS', protection: 'HSM', wrapMechanism: 'AES_KWP' } as const),
        wrapped: bytesOf(vector, 'ct').toString('base64'),
      };
      const tag = domainHmac(driver.sessions, epoch!.mac, encodeMaterialBinding(driver.domain, unsealed)).toString('base64');
      const opened = attempt(() => openMaterial({ ...driver, epochs: [{ ...epoch!, kek }] }, { ...unsealed, tag }));
      if (opened === undefined) return false;
      const expected = bytesOf(vector, 'msg');
      // SoftHSM makes no HMAC with a key shorter than the hash; of those it is only seen that they open.
      return withKey(opened, (key) => {
        if (expected.length < 32) return true;
        return hmac(driver.sessions, key, 'HMAC_SHA_256', Buffer.from('x')).equals(createHmac('sha256', expected).update('x').digest());
      });
    }),
  );

  expect(wrong).toEqual([]);
});

test.each([
  ['RSA_2048', 'RSAES_OAEP_SHA_1', 'rsa_oaep_2048_sha1_mgf1sha1_test'],
  ['RSA_2048', 'RSAES_OAEP_SHA_256', 'rsa_oaep_2048_sha256_mgf1sha256_test'],
  ['RSA_3072', 'RSAES_OAEP_SHA_256', 'rsa_oaep_3072_sha256_mgf1sha256_test'],
  ['RSA_4096', 'RSAES_OAEP_SHA_256', 'rsa_oaep_4096_sha256_mgf1sha256_test'],
] as const satisfies readonly (readonly [KeySpec, RsaEncryptionAlgorithm, string])[])('%s %s', (spec, algorithm, file) => {
  const wrong = disagreements(file, (vector, group) =>
    withKey(token.install(rsaPrivateKey(bytesOf(group, 'privateKeyPkcs8'))), (key) => {
      const message = attempt(() => rsaDecrypt(token.driver.sessions, key, spec, algorithm, bytesOf(vector, 'ct')));
      return message?.equals(bytesOf(vector, 'msg')) === true;
    }),
  );

  expect(wrong).toEqual([]);
});

const rsaFiles = ([2048, 3072, 4096] as const).flatMap((bits) =>
  ([256, 384, 512] as const).map((hashBits) => [`RSA_${bits}`, `RSASSA_PKCS1_V1_5_SHA_${hashBits}`, `rsa_signature_${bits}_sha${hashBits}_test`] as const),
);
test.each([
  ...rsaFiles,
  ['RSA_2048', 'RSASSA_PSS_SHA_256', 'rsa_pss_2048_sha256_mgf1_32_test'],
  ['RSA_2048', 'RSASSA_PSS_SHA_384', 'rsa_pss_2048_sha384_mgf1_48_test'],
  ['RSA_3072', 'RSASSA_PSS_SHA_256', 'rsa_pss_3072_sha256_mgf1_32_test'],
  ['RSA_4096', 'RSASSA_PSS_SHA_256', 'rsa_pss_4096_sha256_mgf1_32_test'],
  ['RSA_4096', 'RSASSA_PSS_SHA_384', 'rsa_pss_4096_sha384_mgf1_48_test'],
  ['RSA_4096', 'RSASSA_PSS_SHA_512', 'rsa_pss_4096_sha512_mgf1_64_test'],
  ['ECC_NIST_P256', 'ECDSA_SHA_256', 'ecdsa_secp256r1_sha256_test'],
  ['ECC_NIST_P384', 'ECDSA_SHA_384', 'ecdsa_secp384r1_sha384_test'],
  ['ECC_NIST_P521', 'ECDSA_SHA_512', 'ecdsa_secp521r1_sha512_test'],
  ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'ecdsa_secp256k1_sha256_test'],
] as readonly (readonly [KeySpec, SigningAlgorithm, string])[])('%s %s, over messages in software and over digests in the HSM', (spec, algorithm, file) => {
  const verifies = (messageType: 'RAW' | 'DIGEST') =>
    disagreements(file, (vector, group) => {
      const message = bytesOf(vector, 'msg');
      const signed = messageType === 'RAW' ? message : hash(describeDigestSigning(algorithm).hash, message, 'buffer');
      return verifySignature(token.driver, bytesOf(group, 'publicKeyDer').toString('base64'), spec, algorithm, messageType, signed, bytesOf(vector, 'sig'));
    });

  expect(verifies('RAW')).toEqual([]);
  expect(verifies('DIGEST')).toEqual([]);
});

test.each([
  ['ECC_NIST_P256', 'ecdh_secp256r1_test'],
  ['ECC_NIST_P384', 'ecdh_secp384r1_test'],
  ['ECC_NIST_P521', 'ecdh_secp521r1_test'],
] as const)('%s ECDH', (spec, file) => {
  const { oidDer, orderBytes } = describeKeySpec(spec) as EcSpec;
  const wrong = disagreements(file, (vector) => {
    const point = peerPoint(spec, bytesOf(vector, 'public'));
    if (point === undefined) return false;
    const scalar = Buffer.from(
      String(vector.private)
        .padStart(2 * orderBytes, '0')
        .slice(-2 * orderBytes),
      'hex',
    );
    return withKey(token.install(ecPrivateKey(oidDer, scalar)), (key) => deriveSharedSecret(token.driver.sessions, key, spec, point).equals(bytesOf(vector, 'shared')));
  });

  expect(wrong).toEqual([]);
});

test.each(Object.keys(macDescriptors) as MacAlgorithm[])('%s', (algorithm) => {
  const wrong = disagreements(`${algorithm.toLowerCase().replace('_sha_', '_sha')}_test`, (vector) =>
    withKey(token.install(secretKey(pkcs11.CKK_GENERIC_SECRET, bytesOf(vector, 'key'), pkcs11.CKA_SIGN)), (key) =>
      hmac(token.driver.sessions, key, algorithm, bytesOf(vector, 'msg')).equals(bytesOf(vector, 'tag')),
    ),
  );

  expect(wrong).toEqual([]);
});
