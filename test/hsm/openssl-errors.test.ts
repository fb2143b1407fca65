import { generateKeyPairSync, randomBytes } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rsaDecrypt } from '#bridge/driver/rsa.ts';
import { seedPublicKey } from '#bridge/driver/seed-keys.ts';
import { verifySignature } from '#bridge/driver/signing.ts';
import { rsaPrivateKey, secretKey, startTokenDriver, type TokenDriver } from '#test/support/token-driver.ts';

let token: TokenDriver;
beforeAll(async () => {
  token = await startTokenDriver();
});
afterAll(() => token?.remove());

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { format: 'der', type: 'spki' }, privateKeyEncoding: { format: 'der', type: 'pkcs8' } });
const unwrapped = [
  { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_SECRET_KEY },
  { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_GENERIC_SECRET },
];
const failures: Readonly<Record<string, () => unknown>> = {
  'an RSA signature over a digest that does not verify': () =>
    verifySignature(token.driver, rsa.publicKey.toString('base64'), 'RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 'DIGEST', randomBytes(32), Buffer.alloc(256, 1)),
  'an RSA ciphertext that does not decrypt': () =>
    rsaDecrypt(token.driver.sessions, token.install(rsaPrivateKey(rsa.privateKey)), 'RSA_2048', 'RSAES_OAEP_SHA_1', Buffer.alloc(256, 1)),
  'a wrapped key that does not unwrap': () => {
    const kek = token.install(secretKey(pkcs11.CKK_AES, randomBytes(32), pkcs11.CKA_UNWRAP));
    const { sessions } = token.driver;
    return sessions.own('unwrap', (session) => sessions.module.C_UnwrapKey(session, { mechanism: sessions.profile.wrapMechanism }, kek, randomBytes(40), unwrapped));
  },
};

test.each(Object.keys(failures))('%s does not fail the next seed in the same thread', (name) => {
  const seed = randomBytes(32);
  const expected = seedPublicKey('ML_DSA_44', seed);
  try {
    failures[name]!();
  } catch {
    // Failing is what it is for.
  }

  expect(seedPublicKey('ML_DSA_44', seed)).toEqual(expected);
});
