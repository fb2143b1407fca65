/** AWS CloudHSM, client SDK 5 (hsm2m.medium, FIPS), from AWS's documentation: nothing here was tried on a cluster. docs: PKCS #11 library, supported mechanisms. */
import pkcs11 from 'pkcs11js';
import { outcomesWith } from './outcomes.ts';
import type { HsmProfile } from './profile.ts';

const CKM_CLOUDHSM_AES_GCM = 0x80001087;
const CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD = 0x8000216f;

export const cloudhsm: HsmProfile = {
  name: 'cloudhsm',
  // Read-only sessions are not supported.
  sessionFlags: pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION,
  sessionsMax: 1024,
  gcm: { mechanism: CKM_CLOUDHSM_AES_GCM, iv: 'prepended', dataBytesMax: 16_224 },
  wrapMechanism: CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD,
  rsaKeyPairMechanism: pkcs11.CKM_RSA_X9_31_KEY_PAIR_GEN,
  oaep: { RSAES_OAEP_SHA_1: 'hsm', RSAES_OAEP_SHA_256: 'hsm' },
  // Whether CKA_EC_POINT is there after C_UnwrapKey is not documented.
  imports: { aes: 'hsm', hmac: 'hsm', rsa: 'hsm', ec: 'memory' },
  // CKD_NULL is off unless the client is configured with --enable-ecdh-without-kdf, which AWS shows for non-FIPS use only; and a derived secret cannot be
  // made readable (reports from clusters). Until it was tried on hsm2m, the service says that it cannot instead of failing in use (docs/adr/0020).
  ecdh: 'unavailable',
  // Keys that another user shares cannot be modified by the bridge's user, which is what CKA_MODIFIABLE=FALSE is for on SoftHSM.
  kekAttributes: { [pkcs11.CKA_PRIVATE]: true },
  quickJobs: new Set(),
  outcomes: outcomesWith({
    // CKR_FUNCTION_FAILED is throttling here; "your data is corrupt" would be a lie. CKR_GENERAL_ERROR says nothing about the ciphertext.
    decrypt: [
      [pkcs11.CKR_FUNCTION_FAILED, 'throttled'],
      [pkcs11.CKR_GENERAL_ERROR, 'stale-session'],
    ],
    unwrap: [
      [pkcs11.CKR_FUNCTION_FAILED, 'throttled'],
      [pkcs11.CKR_GENERAL_ERROR, 'stale-session'],
    ],
    // Calling a good envelope bad costs its owner another try; the other way round a bad one would look like an HSM that is down.
    import: [
      [pkcs11.CKR_FUNCTION_FAILED, 'throttled'],
      [pkcs11.CKR_GENERAL_ERROR, 'invalid-ciphertext'],
    ],
    other: [[pkcs11.CKR_FUNCTION_FAILED, 'throttled']],
  }),
};
